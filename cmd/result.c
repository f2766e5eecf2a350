/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/result.h"

#include "cmd/verb.h"
#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"

#include <json-c/json.h>
#include <string.h>

#define RESULT_DEGRADED_MAX 256
#define RESULT_ERRORS_MAX   1024 /* each stage may have found FAULT_LIST_MAX */

void result_init(struct result *result)
{
	*result = (struct result){
		.errors = array_new(),
		.state = "failed",
		.summary = "safe-run failed before the command ran",
		.cause = "setup",
		.exit_code = VERB_RUN_FAILED,
		.memory_peak = -1,
		.wall_ms = -1,
	};
}

void result_release(struct result *result)
{
	object_release(&result->errors);
	object_release(&result->root);
	object_release(&result->exports);
}

void result_fail(struct result *result, const struct fault *fault)
{
	result_release(result);
	result_init(result);
	array_append(result->errors, fault_to_json(fault));
}

void result_blame(struct result *result, const struct fault *fault)
{
	result->state = "failed";
	result->exit_code = VERB_RUN_FAILED;
	array_append(result->errors, fault_to_json(fault));
}

/* resourceUsage: a counter this host does not have is null or missing. */
static int64_t counter(struct json_object *usage, const char *name)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(usage, json_type_object) ||
	    !json_object_object_get_ex(usage, name, &value) ||
	    !json_object_is_type(value, json_type_int))
		return -1;
	return json_object_get_int64(value);
}

/* outcome holds the kernel's evidence too; what is shown is its two sentences. */
static enum fault_code read_outcome(struct fields *fields, struct result *result,
				    struct fault *fault)
{
	struct fields outcome;
	enum fault_code code = fields_enter(fields, "outcome", &outcome, fault);

	if (code == FAULT_NONE)
		code = fields_string(&outcome, "cause", &result->cause, fault);
	if (code == FAULT_NONE)
		code = fields_string(&outcome, "summary", &result->summary, fault);
	return code;
}

static enum fault_code read_errors(struct fields *fields, struct result *result,
				   struct fault *fault)
{
	struct json_object *errors;
	enum fault_code code = fields_array(fields, "errors", RESULT_ERRORS_MAX, &errors, fault);

	if (code == FAULT_NONE) {
		object_release(&result->errors);
		result->errors = json_object_get(errors);
	}
	return code;
}

static enum fault_code read_state(struct fields *fields, struct result *result, struct fault *fault)
{
	enum fault_code code = fields_string(fields, "state", &result->state, fault);

	if (code == FAULT_NONE && strcmp(result->state, "finished") != 0 &&
	    strcmp(result->state, "failed") != 0)
		code = fault_set(fault, fields->code, "state", "'%s' is no state", result->state);
	return code;
}

static enum fault_code read_usage(struct fields *fields, struct result *result, struct fault *fault)
{
	struct json_object *usage;
	enum fault_code code = fields_any(fields, "resourceUsage", &usage, fault);

	if (code == FAULT_NONE) {
		result->memory_peak = counter(usage, "memoryPeakBytes");
		result->wall_ms = counter(usage, "wallMs");
	}
	return code;
}

/* A run that was never prepared has no verdict. */
static enum fault_code read_verdict(struct fields *fields, struct result *result,
				    struct fault *fault)
{
	enum fault_code code =
		fields_array(fields, "degraded", RESULT_DEGRADED_MAX, &result->degraded, fault);
	const char *verdict = NULL;

	if (code == FAULT_NONE && !fields_null(fields, "verdict"))
		code = fields_string(fields, "verdict", &verdict, fault);
	if (code == FAULT_NONE && verdict != NULL && strcmp(verdict, "enforced") != 0 &&
	    strcmp(verdict, "degraded") != 0)
		code = fault_set(fault, fields->code, "verdict", "'%s' is no verdict", verdict);
	if (code == FAULT_NONE)
		result->verdict = verdict;
	return code;
}

static enum fault_code read_digest(struct fields *fields, struct result *result,
				   struct fault *fault)
{
	const char *digest;

	if (fields_null(fields, "reportDigest"))
		return FAULT_NONE;
	result->sealed = true;
	return fields_string(fields, "reportDigest", &digest, fault);
}

/* A fault in place of a signature: there is a report, and it is not what was asked for. */
static enum fault_code read_signature(struct fields *fields, struct result *result,
				      struct fault *fault)
{
	struct json_object *signature;
	struct fields member;
	const char *digest;

	if (fields_null(fields, "signature"))
		return FAULT_NONE;
	if (fields_any(fields, "signature", &signature, fault) != FAULT_NONE ||
	    fields_open(&member, signature, "signature", fields->code, fault) != FAULT_NONE)
		return fault->code;
	if (fields_has(&member, "code")) {
		array_append(result->errors, json_object_get(signature));
		result->not_signed = true;
		return FAULT_NONE;
	}
	result->signature = signature;
	if (fields_string(&member, "bundleDigest", &digest, fault) != FAULT_NONE ||
	    fields_string(&member, "keyid", &result->keyid, fault) != FAULT_NONE)
		return fault->code;
	return fields_close(&member, fault);
}

enum fault_code result_parse(const char *line, size_t len, const char *run_id,
			     struct result *result, struct fault *fault)
{
	struct fields fields;
	int64_t exit_code;
	enum fault_code code = canon_parse(line, len, FAULT_EVIDENCE_REPORT, &result->root, fault);

	if (code == FAULT_NONE)
		code = fields_open(&fields, result->root, "", FAULT_EVIDENCE_REPORT, fault);
	if (code == FAULT_NONE)
		code = fields_literal(&fields, "runId", run_id, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "exitCode", 0, 255, &exit_code, fault);
	if (code == FAULT_NONE)
		code = read_state(&fields, result, fault);
	if (code == FAULT_NONE)
		code = read_outcome(&fields, result, fault);
	if (code == FAULT_NONE)
		code = read_usage(&fields, result, fault);
	if (code == FAULT_NONE)
		code = read_errors(&fields, result, fault);
	if (code == FAULT_NONE)
		code = read_verdict(&fields, result, fault);
	if (code == FAULT_NONE)
		code = read_digest(&fields, result, fault);
	if (code == FAULT_NONE)
		code = read_signature(&fields, result, fault);
	if (code == FAULT_NONE)
		code = fields_close(&fields, fault);
	if (code != FAULT_NONE)
		return code;
	result->exit_code = result->not_signed ? VERB_RUN_FAILED : (int)exit_code;
	if (result->not_signed)
		result->state = "failed";
	return code;
}
