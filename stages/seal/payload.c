/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/payload.h"

#include "ipc/field.h"
#include "stages/seal/digest.h"
#include "stages/seal/shape.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TABLE(array) .fields = (array), .field_count = COUNT(array)

#define HASH_OR_NULL (SHAPE_HASH | SHAPE_NULL)

static const struct shape_field artifacts_fields[] = {
	{"commandHash", HASH_OR_NULL},
	{"kernelHash", HASH_OR_NULL},
	{"policyHash", HASH_OR_NULL},
	{"rootfsHash", HASH_OR_NULL},
};
static const struct shape artifacts_shape = {TABLE(artifacts_fields), .openness = SHAPE_CLOSED};

static const struct shape_field summary_fields[] = {
	{"mounts", SHAPE_INTEGER},
	{"networkMode", SHAPE_STRING},
};
static const struct shape summary_shape = {TABLE(summary_fields), .openness = SHAPE_OPEN};

static const struct shape_field error_fields[] = {
	{"code", SHAPE_STRING},
	{"message", SHAPE_STRING},
	{"path", SHAPE_STRING},
};
static const struct shape error_shape = {TABLE(error_fields), .openness = SHAPE_CLOSED};

static const struct shape_field outcome_fields[] = {
	{"cause", SHAPE_STRING},     {"evidence", SHAPE_OBJECT},
	{"exitCode", SHAPE_INTEGER}, {"signal", SHAPE_STRING | SHAPE_NULL},
	{"state", SHAPE_STRING},     {"summary", SHAPE_STRING},
};
static const struct shape outcome_shape = {TABLE(outcome_fields), .openness = SHAPE_CLOSED};

static const struct shape_field output_fields[] = {
	{"captured", SHAPE_BOOL},
	{"stderr", SHAPE_OBJECT | SHAPE_NULL},
	{"stdin", SHAPE_OBJECT | SHAPE_NULL},
	{"stdout", SHAPE_OBJECT | SHAPE_NULL},
};
static const struct shape output_shape = {TABLE(output_fields), .openness = SHAPE_CLOSED};

static const struct shape_field compile_fields[] = {
	{"artifacts", SHAPE_OBJECT},
	{"challenge", SHAPE_STRING | SHAPE_OPTIONAL},
	{"errors", SHAPE_ARRAY},
	{"nonce", SHAPE_STRING},
	{"policySummary", SHAPE_OBJECT | SHAPE_NULL},
};
static const struct shape_field prepared_fields[] = {
	{"enforcement", SHAPE_ARRAY},
	{"executable", SHAPE_OBJECT | SHAPE_NULL | SHAPE_OPTIONAL},
};
static const struct shape_field file_fields[] = {
	{"interpreter", SHAPE_OBJECT | SHAPE_NULL | SHAPE_OPTIONAL},
	{"path", SHAPE_STRING},
	{"sha256", SHAPE_HASH},
};
static const struct shape file_shape = {TABLE(file_fields), .openness = SHAPE_OPEN};

static const struct shape_field mount_fields[] = {
	{"reason", SHAPE_STRING | SHAPE_NULL | SHAPE_OPTIONAL},
	{"source", SHAPE_STRING},
	{"target", SHAPE_STRING},
};
static const struct shape_field rejected_fields[] = {
	{"reason", SHAPE_STRING},
	{"source", SHAPE_STRING},
	{"target", SHAPE_STRING},
};
static const struct shape_field hit_fields[] = {
	{"verdict", SHAPE_STRING},
};
static const struct shape_field exited_fields[] = {
	{"exitCode", SHAPE_INTEGER | SHAPE_NULL},
	{"signal", SHAPE_STRING | SHAPE_NULL},
	{"wallNs", SHAPE_DECIMAL},
};
static const struct shape_field closing_fields[] = {
	{"cleanup", SHAPE_ARRAY},
	{"errors", SHAPE_ARRAY},
	{"eventCount", SHAPE_INTEGER | SHAPE_OPTIONAL},
	{"outcome", SHAPE_OBJECT},
	{"output", SHAPE_OBJECT},
};
static const struct shape_field killed_fields[] = {
	{"killedStage", SHAPE_STRING},
	{"signal", SHAPE_STRING | SHAPE_NULL},
	{"signalNumber", SHAPE_INTEGER | SHAPE_NULL},
	{"status", SHAPE_INTEGER | SHAPE_NULL},
};

#define OPEN_TABLE(array)                                                                          \
	{                                                                                          \
		TABLE(array), .openness = SHAPE_OPEN                                               \
	}

/*
 * A type without a table gives the report nothing but its place in the chain, or is
 * resource.sampled, which facts_admit reads by itself.
 */
static const struct shape payload_shapes[EVENT_TYPE_COUNT] = {
	[EVENT_COMPILE] = OPEN_TABLE(compile_fields),
	[EVENT_RUN_PREPARED] = OPEN_TABLE(prepared_fields),
	[EVENT_MOUNT_VALIDATED] = OPEN_TABLE(mount_fields),
	[EVENT_MOUNT_REJECTED] = OPEN_TABLE(rejected_fields),
	[EVENT_MOUNT_APPLIED] = OPEN_TABLE(mount_fields),
	[EVENT_NETWORK_RULE_HIT] = OPEN_TABLE(hit_fields),
	[EVENT_VM_EXITED] = OPEN_TABLE(exited_fields),
	[EVENT_RUN_CLEANED] = OPEN_TABLE(closing_fields),
	[EVENT_RUN_FAILED] = OPEN_TABLE(closing_fields),
	[EVENT_STAGE_KILLED] = OPEN_TABLE(killed_fields),
};

static bool one_of(struct span value, const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (span_says(value, texts[i]))
			return true;
	return false;
}

static bool nonce_valid(struct span value)
{
	struct span text;

	if (!span_string(value, &text) || text.len != 32)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (memchr("0123456789abcdef", text.at[i], 16) == NULL)
			return false;
	return true;
}

static enum fault_code check_errors(struct span errors, enum fault_code code, struct fault *fault)
{
	char path[FAULT_PATH_SIZE], name[sizeof("SR-POL-001")];
	struct span_walk walk;
	struct span error, text;

	if (!span_walk_array(errors, &walk))
		return fault_set(fault, code, "payload.errors", "an array must stand here");
	for (size_t i = 0; span_next_element(&walk, &error); i++) {
		enum fault_code failed;

		field_path_index(path, sizeof(path), "payload.errors", i);
		failed = shape_check(&error_shape, error, path, code, fault);
		if (failed != FAULT_NONE)
			return failed;
		if (!span_string(span_get(error, "code"), &text) ||
		    !span_copy(text, name, sizeof(name)) || fault_code_parse(name) == FAULT_NONE)
			return fault_set(fault, code, path, "the code is not in the registry");
	}
	return FAULT_NONE;
}

static enum fault_code check_compile(struct span payload, enum fault_code code, struct fault *fault)
{
	struct span summary = span_get(payload, "policySummary");
	enum fault_code failed;

	failed = shape_check(&artifacts_shape, span_get(payload, "artifacts"), "payload.artifacts",
			     code, fault);
	if (failed == FAULT_NONE)
		failed = check_errors(span_get(payload, "errors"), code, fault);
	if (failed == FAULT_NONE && !span_null(summary))
		failed = shape_check(&summary_shape, summary, "payload.policySummary", code, fault);
	if (failed == FAULT_NONE && !nonce_valid(span_get(payload, "nonce")))
		failed = fault_set(fault, code, "payload.nonce", "32 hex digits must stand here");
	return failed;
}

/* What was executed; a script's interpreter with it. */
static enum fault_code check_executable(struct span executable, enum fault_code code,
					struct fault *fault)
{
	struct span interpreter = span_get(executable, "interpreter");
	enum fault_code failed = FAULT_NONE;

	if (span_kind(executable) == SPAN_OBJECT)
		failed = shape_check(&file_shape, executable, "payload.executable", code, fault);
	if (failed == FAULT_NONE && span_kind(interpreter) == SPAN_OBJECT)
		failed = shape_check(&file_shape, interpreter, "payload.executable.interpreter",
				     code, fault);
	return failed;
}

static enum fault_code check_outcome(const struct head *head, struct span outcome,
				     enum fault_code code, struct fault *fault)
{
	static const char *const causes[] = {
		"exit",	  "signal",  "oom",   "timeout",    "cpu",	   "pids",
		"output", "seccomp", "setup", "stage-lost", "interrupted",
	};
	bool cleaned = head->type == EVENT_RUN_CLEANED;
	int64_t exit_code = 0;

	if (!one_of(span_get(outcome, "cause"), causes, COUNT(causes)))
		return fault_set(fault, code, "payload.outcome.cause", "there is no such cause");
	if (!span_says(span_get(outcome, "state"), cleaned ? "finished" : "failed"))
		return fault_set(fault, code, "payload.outcome.state",
				 "a %s event must say the run %s", event_type_name(head->type),
				 cleaned ? "finished" : "failed");
	if (!span_integer(span_get(outcome, "exitCode"), &exit_code) || exit_code > 255 ||
	    (cleaned && exit_code != 0))
		return fault_set(fault, code, "payload.outcome.exitCode",
				 cleaned ? "a finished run exits with 0"
					 : "an exit status is 0 to 255");
	return FAULT_NONE;
}

static enum fault_code check_closing(const struct head *head, enum fault_code code,
				     struct fault *fault)
{
	struct span outcome = span_get(head->payload, "outcome");
	enum fault_code failed;

	failed = check_errors(span_get(head->payload, "errors"), code, fault);
	if (failed == FAULT_NONE)
		failed = shape_check(&outcome_shape, outcome, "payload.outcome", code, fault);
	if (failed == FAULT_NONE)
		failed = check_outcome(head, outcome, code, fault);
	if (failed == FAULT_NONE)
		failed = shape_check(&output_shape, span_get(head->payload, "output"),
				     "payload.output", code, fault);
	return failed;
}

/* A process ends by itself or by a signal; one that never ran has neither. */
static enum fault_code check_exited(struct span payload, enum fault_code code, struct fault *fault)
{
	if (span_null(span_get(payload, "exitCode")) || span_null(span_get(payload, "signal")))
		return FAULT_NONE;
	return fault_set(fault, code, "payload.signal", "an exit code and a signal as well");
}

enum fault_code payload_check_hashes(const struct head *head, enum fault_code code,
				     struct fault *fault)
{
	static const struct {
		const char *hash, *of, *path;
	} pairs[] = {
		{"kernelHash", "kernel", "payload.artifacts.kernelHash"},
		{"rootfsHash", "root", "payload.artifacts.rootfsHash"},
	};
	struct span artifacts = span_get(head->payload, "artifacts");

	for (size_t i = 0; i < COUNT(pairs); i++) {
		struct span of = span_get(head->payload, pairs[i].of);
		char text[DIGEST_TEXT_SIZE];
		uint8_t value[DIGEST_SIZE];

		if (span_kind(of) != SPAN_OBJECT && span_null(span_get(artifacts, pairs[i].hash)))
			continue;
		if (span_kind(of) != SPAN_OBJECT)
			return fault_set(fault, code, pairs[i].path,
					 "there is no payload.%s to be the hash of", pairs[i].of);
		digest_bytes(of.at, of.len, value);
		digest_text(value, text);
		if (!span_says(span_get(artifacts, pairs[i].hash), text))
			return fault_set(fault, code, pairs[i].path, "the hash of payload.%s is %s",
					 pairs[i].of, text);
	}
	return FAULT_NONE;
}

enum fault_code payload_check(const struct head *head, enum fault_code code, struct fault *fault)
{
	static const char *const verdicts[] = {"allowed", "blocked"};
	const struct shape *shape = &payload_shapes[head->type];
	enum fault_code failed = FAULT_NONE;

	if (shape->field_count > 0)
		failed = shape_check(shape, head->payload, "payload", code, fault);
	if (failed != FAULT_NONE)
		return failed;
	if (head->type == EVENT_COMPILE)
		return check_compile(head->payload, code, fault);
	if (head->type == EVENT_RUN_PREPARED)
		return check_executable(span_get(head->payload, "executable"), code, fault);
	if (head->type == EVENT_NETWORK_RULE_HIT &&
	    !one_of(span_get(head->payload, "verdict"), verdicts, COUNT(verdicts)))
		return fault_set(fault, code, "payload.verdict", "allowed or blocked");
	if (head->type == EVENT_VM_EXITED)
		return check_exited(head->payload, code, fault);
	if (event_type_closes(head->type))
		return check_closing(head, code, fault);
	return FAULT_NONE;
}
