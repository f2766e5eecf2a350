/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/resident.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"

#include <json-c/json.h>
#include <unistd.h>

static enum fault_code next(struct record_reader *reader, enum fault_code code, const char *path,
			    const char *ended, struct json_object **record, struct fault *fault)
{
	const char *line = NULL;
	size_t len = 0;
	enum record_status status = record_read(reader, &line, &len, code, fault);

	if (status == RECORD_FAULT)
		return fault->code;
	if (status != RECORD_LINE)
		return fault_set(fault, code, path, "%s", ended);
	return canon_parse(line, len, code, record, fault);
}

enum fault_code resident_plan(struct record_reader *reader, enum fault_code code, const char *path,
			      struct json_object **plan, struct fault *fault)
{
	return next(reader, code, path, "no plan came", plan, fault);
}

enum fault_code resident_await_word(struct record_reader *reader, const char *type,
				    enum fault_code code, const char *path, struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct fields fields;

	if (next(reader, code, path, "the input ended before the word that the plan announced",
		 &record, fault) != FAULT_NONE ||
	    fields_open(&fields, record, path, code, fault) != FAULT_NONE ||
	    fields_literal(&fields, "type", type, fault) != FAULT_NONE)
		return fault->code;
	return fields_close(&fields, fault);
}

static enum fault_code take(enum record_status status, enum fault_code code, const char *path,
			    bool *ended, struct fault *fault)
{
	*ended = status == RECORD_END;
	if (status == RECORD_FAULT)
		return fault->code;
	return status == RECORD_LINE ? fault_set(fault, code, path, "more than one plan came")
				     : FAULT_NONE;
}

enum fault_code resident_await_end(struct record_reader *reader, enum fault_code code,
				   const char *path, struct fault *fault)
{
	const char *line;
	size_t len;
	bool ended;

	return take(record_read(reader, &line, &len, code, fault), code, path, &ended, fault);
}

enum fault_code resident_look(struct record_reader *reader, enum fault_code code, const char *path,
			      bool *ended, struct fault *fault)
{
	const char *line;
	size_t len;

	return take(record_read_once(reader, &line, &len, code, fault), code, path, ended, fault);
}

enum fault_code resident_tell(const struct stage_context *context, const char *type,
			      struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = object_new();

	object_add_string(record, "type", type);
	return record_send(&context->out, record, RECORD_EVENT_MAX, fault);
}

static enum stage_exit refuse(const struct stage_context *context, const struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = object_new();
	struct json_object *errors = array_new();
	struct fault send_fault;

	array_append(errors, fault_to_json(fault));
	object_add(record, "errors", errors);
	if (record_send(&context->out, record, RECORD_EVENT_MAX, &send_fault) == FAULT_NONE)
		return STAGE_REFUSED;
	stage_complain(context->stage, "%s", fault->message);
	return STAGE_FAILED;
}

enum stage_exit resident_end(const struct stage_context *context, enum fault_code code,
			     const struct fault *fault)
{
	enum stage_exit status = code == FAULT_NONE ? STAGE_DONE : refuse(context, fault);

	(void)close(STDOUT_FILENO);
	(void)close(STDERR_FILENO);
	return status;
}
