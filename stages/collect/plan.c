/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/collect/plan.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/collect/path.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

#define CODE FAULT_RUN_LAUNCH

static enum fault_code read_output(struct json_object *value, size_t index,
				   struct collect_output *output, struct fault *fault)
{
	char path[FAULT_PATH_SIZE];
	int64_t bytes = 0, files = 0;
	struct fields fields;
	enum fault_code code;

	field_path_index(path, sizeof(path), "outputs", index);
	code = fields_open(&fields, value, path, CODE, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "maxBytes", 1, CANON_INTEGER_MAX, &bytes, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "maxFiles", 1, CANON_INTEGER_MAX, &files, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "path", &output->path, fault);
	if (code == FAULT_NONE && !path_leads_down(output->path))
		code = fault_set(fault, CODE, path, "the path does not lead below the tree");
	output->max_bytes = (uint64_t)bytes;
	output->max_files = (uint64_t)files;
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}

static enum fault_code read_outputs(struct collect_plan *plan, struct fault *fault)
{
	struct json_object *list = NULL;
	struct fields fields;
	enum fault_code code = fields_open(&fields, plan->record, "", CODE, fault);

	if (code == FAULT_NONE)
		code = fields_literal(&fields, "schemaVersion", "safe-run.collect/v1", fault);
	if (code == FAULT_NONE)
		code = fields_array(&fields, "outputs", COLLECT_OUTPUT_MAX, &list, fault);
	if (code == FAULT_NONE)
		code = fields_close(&fields, fault);
	if (code != FAULT_NONE)
		return code;
	plan->count = json_object_array_length(list);
	for (size_t i = 0; code == FAULT_NONE && i < plan->count; i++)
		code = read_output(json_object_array_get_idx(list, i), i, &plan->outputs[i], fault);
	return code;
}

enum fault_code collect_plan_read(int fd, struct collect_plan *plan, struct fault *fault)
{
	struct record_reader reader;
	const char *line;
	size_t len;
	enum fault_code code = FAULT_NONE;

	*plan = (struct collect_plan){.record = NULL};
	record_reader_init(&reader, fd, RECORD_EVENT_MAX);
	switch (record_read(&reader, &line, &len, CODE, fault)) {
	case RECORD_LINE:
		code = canon_parse(line, len, CODE, &plan->record, fault);
		break;
	case RECORD_END:
	case RECORD_AGAIN:
		code = fault_set(fault, CODE, "collect.plan", "nobody said what to collect");
		break;
	case RECORD_FAULT:
		code = fault->code;
		break;
	}
	record_reader_release(&reader);
	return code == FAULT_NONE ? read_outputs(plan, fault) : code;
}

void collect_plan_release(struct collect_plan *plan)
{
	object_release(&plan->record);
}
