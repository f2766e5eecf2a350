/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/collected.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define CODE	    FAULT_RUN_LAUNCH
#define REASONS_MAX 64
#define COUNTER_MAX (CANON_INTEGER_MAX / PLAN_OUTPUT_MAX) /* sums stay in range */

static void clear(struct collected *collected, const struct plan *plan, const char *status)
{
	for (size_t i = 0; i < plan->output_count; i++) {
		collected->outputs[i] = (struct collected_output){.bytes = 0};
		(void)snprintf(collected->outputs[i].status, COLLECTED_STATUS_SIZE, "%s", status);
	}
	collected->manifest_hash[0] = '\0';
	object_release(&collected->reasons);
	collected->reasons = array_new();
}

void collected_init(struct collected *collected, const struct plan *plan, bool captured)
{
	collected->reasons = NULL;
	clear(collected, plan, captured ? "failed" : "not-captured");
}

void collected_fail(struct collected *collected, const struct plan *plan)
{
	clear(collected, plan, "failed");
}

void collected_release(struct collected *collected)
{
	object_release(&collected->reasons);
}

static enum fault_code read_status(struct fields *fields, char out[COLLECTED_STATUS_SIZE],
				   struct fault *fault)
{
	static const char *const known[] = {"collected", "missing", "refused", "limit", "failed"};
	const char *text = "";
	enum fault_code code = fields_string(fields, "status", &text, fault);

	for (size_t i = 0; code == FAULT_NONE && i < sizeof known / sizeof known[0]; i++)
		if (strcmp(text, known[i]) == 0) {
			(void)snprintf(out, COLLECTED_STATUS_SIZE, "%s", text);
			return FAULT_NONE;
		}
	return code != FAULT_NONE ? code
				  : fault_set(fault, CODE, fields->path, "there is no such status");
}

static enum fault_code read_output(struct json_object *value, const struct plan_output *wanted,
				   size_t index, struct collected_output *output,
				   struct fault *fault)
{
	char path[FAULT_PATH_SIZE];
	struct fields fields;
	enum fault_code code;

	field_path_index(path, sizeof path, "launch.collect.outputs", index);
	code = fields_open(&fields, value, path, CODE, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "bytes", 0, COUNTER_MAX, &output->bytes, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "entries", 0, COUNTER_MAX, &output->entries, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "files", 0, COUNTER_MAX, &output->files, fault);
	if (code == FAULT_NONE)
		code = fields_literal(&fields, "path", wanted->path, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "refused", 0, COUNTER_MAX, &output->refused, fault);
	if (code == FAULT_NONE)
		code = read_status(&fields, output->status, fault);
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}

static enum fault_code read_reason(struct json_object *value, const struct plan *plan,
				   struct fault *fault)
{
	struct fields fields;
	const char *text;
	int64_t output;
	enum fault_code code = fields_open(&fields, value, "launch.collect.reasons", CODE, fault);

	if (code == FAULT_NONE)
		code = fields_integer(&fields, "output", 0, (int64_t)plan->output_count - 1,
				      &output, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "path", &text, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "reason", &text, fault);
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}

static enum fault_code read_seen(struct collected *collected, const struct plan *plan,
				 struct json_object *seen, struct fault *fault)
{
	struct json_object *outputs = NULL, *reasons = NULL, *errors = NULL;
	struct fields fields;
	enum fault_code code = fields_open(&fields, seen, "launch.collect", CODE, fault);

	if (code == FAULT_NONE)
		code = fields_array(&fields, "errors", 0, &errors, fault);
	if (code == FAULT_NONE)
		code = fields_array(&fields, "outputs", PLAN_OUTPUT_MAX, &outputs, fault);
	if (code == FAULT_NONE)
		code = fields_array(&fields, "reasons", REASONS_MAX, &reasons, fault);
	if (code == FAULT_NONE)
		code = fields_literal(&fields, "schemaVersion", "safe-run.collected/v1", fault);
	if (code == FAULT_NONE)
		code = fields_close(&fields, fault);
	if (code == FAULT_NONE && json_object_array_length(outputs) != plan->output_count)
		code = fault_set(fault, CODE, "launch.collect.outputs", "not one for each asked");
	for (size_t i = 0; code == FAULT_NONE && i < plan->output_count; i++)
		code = read_output(json_object_array_get_idx(outputs, i), &plan->outputs[i], i,
				   &collected->outputs[i], fault);
	for (size_t i = 0; code == FAULT_NONE && i < json_object_array_length(reasons); i++)
		code = read_reason(json_object_array_get_idx(reasons, i), plan, fault);
	if (code != FAULT_NONE)
		return code;
	object_release(&collected->reasons);
	collected->reasons = json_object_get(reasons);
	return FAULT_NONE;
}

static struct collected_output sum_of(const struct collected *collected, const struct plan *plan)
{
	struct collected_output sum = {.bytes = 0};

	for (size_t i = 0; i < plan->output_count; i++) {
		sum.bytes += collected->outputs[i].bytes;
		sum.entries += collected->outputs[i].entries;
		sum.files += collected->outputs[i].files;
	}
	return sum;
}

static enum fault_code read_kept(struct collected *collected, const struct plan *plan,
				 struct json_object *kept, struct fault *fault)
{
	struct collected_output sum = sum_of(collected, plan);
	struct json_object *errors = NULL;
	const char *hash = "";
	struct fields fields;
	int64_t number;
	enum fault_code code = fields_open(&fields, kept, "launch.deposit", CODE, fault);

	/* What was handed over is what is there: each counter has one value it can have. */
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "bytes", sum.bytes, sum.bytes, &number, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "entries", sum.entries, sum.entries, &number, fault);
	if (code == FAULT_NONE)
		code = fields_array(&fields, "errors", 0, &errors, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "files", sum.files, sum.files, &number, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "manifestHash", &hash, fault);
	if (code == FAULT_NONE)
		code = fields_literal(&fields, "schemaVersion", "safe-run.deposited/v1", fault);
	if (code == FAULT_NONE)
		code = fields_close(&fields, fault);
	if (code == FAULT_NONE && !digest_text_valid(hash))
		code = fault_set(fault, CODE, "launch.deposit.manifestHash", "is no hash");
	if (code == FAULT_NONE)
		memcpy(collected->manifest_hash, hash, DIGEST_TEXT_SIZE);
	return code;
}

enum fault_code collected_read(struct collected *collected, const struct plan *plan,
			       struct json_object *seen, struct json_object *kept,
			       struct fault *fault)
{
	enum fault_code code = read_seen(collected, plan, seen, fault);

	return code == FAULT_NONE ? read_kept(collected, plan, kept, fault) : code;
}

static void add_counters(struct json_object *object, const struct collected_output *counters)
{
	object_add_integer(object, "bytes", counters->bytes);
	object_add_integer(object, "entries", counters->entries);
	object_add_integer(object, "files", counters->files);
}

struct json_object *collected_payload(const struct collected *collected, const struct plan *plan,
				      bool captured)
{
	struct collected_output sum = sum_of(collected, plan);
	struct json_object *payload = object_new();
	struct json_object *outputs = array_new();

	for (size_t i = 0; i < plan->output_count; i++) {
		struct json_object *output = object_new();

		add_counters(output, &collected->outputs[i]);
		object_add_string(output, "path", plan->outputs[i].path);
		object_add_integer(output, "refused", collected->outputs[i].refused);
		object_add_string(output, "status", collected->outputs[i].status);
		array_append(outputs, output);
	}
	add_counters(payload, &sum);
	object_add_bool(payload, "captured", captured);
	if (collected->manifest_hash[0] != '\0')
		object_add_string(payload, "manifestHash", collected->manifest_hash);
	else
		object_add_null(payload, "manifestHash");
	object_add(payload, "outputs", outputs);
	object_add_shared(payload, "reasons", collected->reasons);
	return payload;
}

static const char *text_in(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	(void)json_object_object_get_ex(object, name, &value);
	return json_object_get_string(value);
}

/* The first reason given for this output; NULL without one. */
static struct json_object *reason_of(const struct collected *collected, size_t index)
{
	for (size_t i = 0; i < json_object_array_length(collected->reasons); i++) {
		struct json_object *reason = json_object_array_get_idx(collected->reasons, i);
		struct json_object *output = NULL;

		(void)json_object_object_get_ex(reason, "output", &output);
		if (json_object_get_int64(output) == (int64_t)index)
			return reason;
	}
	return NULL;
}

static void explain(const struct collected *collected, const struct plan *plan, size_t index,
		    struct fault *fault)
{
	const struct collected_output *output = &collected->outputs[index];
	struct json_object *reason = reason_of(collected, index);
	const char *why = reason != NULL ? text_in(reason, "reason") : "";
	const char *where = reason != NULL ? text_in(reason, "path") : plan->outputs[index].path;
	bool limit = strcmp(output->status, "limit") == 0;
	char path[64];

	(void)snprintf(path, sizeof path, "outputs[%zu].%s", index,
		       limit && strcmp(why, "maxFiles") == 0   ? "maxFiles"
		       : limit && strcmp(why, "maxBytes") == 0 ? "maxBytes"
							       : "path");
	if (strcmp(output->status, "missing") == 0)
		(void)fault_set(fault, FAULT_RUN_INIT, path,
				"the output %s is not there: the command did not write it",
				plan->outputs[index].path);
	else if (limit)
		(void)fault_set(fault, FAULT_RUN_INIT, path,
				"the output %s passes its limit at %.200s; what comes before that "
				"was collected",
				plan->outputs[index].path, where);
	else
		(void)fault_set(fault, FAULT_RUN_INIT, path,
				"of the output %s, %" PRId64 " entries were not collected; the "
				"first is %.200s: %.40s",
				plan->outputs[index].path, output->refused, where, why);
}

enum fault_code collected_errors(const struct collected *collected, const struct plan *plan,
				 const struct fault *why, struct json_object **more,
				 struct fault *fault)
{
	enum fault_code first = why->code;
	struct fault next;

	*more = array_new();
	if (why->code != FAULT_NONE) {
		*fault = *why;
		return first;
	}
	for (size_t i = 0; i < plan->output_count; i++) {
		if (strcmp(collected->outputs[i].status, "collected") == 0)
			continue;
		explain(collected, plan, i, first == FAULT_NONE ? fault : &next);
		if (first != FAULT_NONE)
			array_append(*more, fault_to_json(&next));
		else
			first = fault->code;
	}
	return first;
}
