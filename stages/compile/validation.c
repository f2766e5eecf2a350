/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/compile/validation.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"

#include <json-c/json.h>

#define WARNINGS_MAX  1024
#define OVERRIDES_MAX 1024

static enum fault_code check_error(struct validation *validation, size_t index, struct fault *fault)
{
	char path[FAULT_PATH_SIZE];
	struct fields fields;
	const char *name, *text;
	enum fault_code known = FAULT_NONE, code;

	field_path_index(path, sizeof(path), "errors", index);
	code = fields_open(&fields, json_object_array_get_idx(validation->errors, index), path,
			   FAULT_COMPILE_REQUEST, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "code", &name, fault);
	if (code == FAULT_NONE)
		known = fault_code_parse(name);
	if (code == FAULT_NONE && known == FAULT_NONE)
		return fault_set(fault, FAULT_COMPILE_REQUEST, path, "\"%.32s\" is no error code",
				 name);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "message", &text, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "path", &text, fault);
	if (index == 0)
		validation->first_error = known;
	return code != FAULT_NONE ? code : fields_close(&fields, fault);
}

static enum fault_code check_errors(struct validation *validation, struct fault *fault)
{
	size_t count = json_object_array_length(validation->errors);
	enum fault_code code = FAULT_NONE;

	if (validation->valid != (count == 0))
		return fault_set(fault, FAULT_COMPILE_REQUEST, "valid",
				 "valid and errors contradict each other");
	for (size_t i = 0; i < count && code == FAULT_NONE; i++)
		code = check_error(validation, i, fault);
	return code;
}

static enum fault_code read_fields(struct validation *validation, struct fault *fault)
{
	struct fields top;
	struct json_object *unused;
	enum fault_code code =
		fields_open(&top, validation->root, "", FAULT_COMPILE_REQUEST, fault);

	if (code == FAULT_NONE)
		code = fields_literal(&top, "schemaVersion", "safe-run.validation/v1", fault);
	if (code == FAULT_NONE)
		code = fields_bool(&top, "valid", &validation->valid, fault);
	if (code == FAULT_NONE)
		code = fields_array(&top, "errors", FAULT_ARRAY_MAX, &validation->errors, fault);
	if (code == FAULT_NONE)
		code = fields_any(&top, "hostFacts", &validation->host_facts, fault);
	if (code == FAULT_NONE)
		code = fields_any(&top, "normalizedPolicy", &validation->policy, fault);
	if (code == FAULT_NONE)
		code = fields_array(&top, "overrides", OVERRIDES_MAX, &unused, fault);
	if (code == FAULT_NONE)
		code = fields_array(&top, "warnings", WARNINGS_MAX, &unused, fault);
	return code != FAULT_NONE ? code : fields_close(&top, fault);
}

enum fault_code validation_parse(const char *line, size_t len, struct validation *validation,
				 struct fault *fault)
{
	enum fault_code code;

	*validation = (struct validation){0};
	code = canon_parse(line, len, FAULT_COMPILE_REQUEST, &validation->root, fault);
	if (code == FAULT_NONE)
		code = read_fields(validation, fault);
	if (code == FAULT_NONE)
		code = check_errors(validation, fault);
	if (code != FAULT_NONE)
		validation_release(validation);
	return code;
}

void validation_release(struct validation *validation)
{
	object_release(&validation->root);
	*validation = (struct validation){0};
}
