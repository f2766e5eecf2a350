/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/canon.h"
#include "stages/launch/bundle_plan.h"
#include "stages/launch/bundle_process.h"
#include "stages/launch/plan.h"
#include "stages/launch/root.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

#define CODE	  FAULT_RUN_LAUNCH
#define PATH	  "processPlan.outputs"
#define FILES_MAX 1000000

static bool below(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return strncmp(path, directory, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* What is left of an absolute path below the work directory; "." for the directory itself. */
static const char *inside(const struct plan *plan, const char *path)
{
	size_t len = strlen(plan->cwd);

	if (!below(path, plan->cwd))
		return NULL;
	return path[len] == '\0' ? "." : path + len + 1;
}

static bool overlap(const char *left, const char *right)
{
	return strcmp(left, ".") == 0 || strcmp(right, ".") == 0 || below(left, right) ||
	       below(right, left);
}

static enum fault_code read_output(struct json_object *value, size_t index, struct plan *plan,
				   struct fault *fault)
{
	struct plan_output *output = &plan->outputs[index];
	int64_t bytes = 0, files = 0;
	char path[FAULT_PATH_SIZE];
	const char *absolute = "";
	struct fields fields;
	enum fault_code code;

	field_path_index(path, sizeof path, PATH, index);
	code = fields_open(&fields, value, path, CODE, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "maxBytes", 1, CANON_INTEGER_MAX, &bytes, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "maxFiles", 1, FILES_MAX, &files, fault);
	if (code == FAULT_NONE)
		code = bundle_path(&fields, "path", plan, &absolute, fault);
	if (code == FAULT_NONE)
		code = fields_close(&fields, fault);
	if (code != FAULT_NONE)
		return code;
	output->max_bytes = (uint64_t)bytes;
	output->max_files = (uint64_t)files;
	output->path = inside(plan, absolute);
	if (output->path == NULL)
		return fault_set(fault, CODE, path, "is not in the work directory");
	for (size_t i = 0; i < index; i++)
		if (overlap(output->path, plan->outputs[i].path))
			return fault_set(fault, CODE, path, "overlaps entry %zu", i);
	return FAULT_NONE;
}

/* The private tmpfs is all that is bounded, ours alone, and gone with the run. */
static enum fault_code check_place(const struct plan *plan, struct fault *fault)
{
	if (plan->output_count == 0 || root_workdir_private(plan) || strcmp(plan->cwd, "/tmp") == 0)
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH,
			 "the work directory %s is not on the private tmpfs, so nothing can be "
			 "collected from it: choose another runtime.workdir, such as /work",
			 plan->cwd);
}

enum fault_code bundle_outputs_read(struct fields *process, struct json_object *policy,
				    struct plan *plan, struct fault *fault)
{
	struct json_object *list = NULL;
	enum fault_code code = fields_array(process, "outputs", PLAN_OUTPUT_MAX, &list, fault);

	if (code == FAULT_NONE && !json_object_equal(list, bundle_member(policy, "outputs")))
		return bundle_disagree(PATH, "outputs", fault);
	for (size_t i = 0; code == FAULT_NONE && i < json_object_array_length(list); i++) {
		code = read_output(json_object_array_get_idx(list, i), i, plan, fault);
		plan->output_count = i + 1;
	}
	return code == FAULT_NONE ? check_place(plan, fault) : code;
}
