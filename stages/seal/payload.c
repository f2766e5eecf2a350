/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/payload.h"

#include "ipc/field.h"
#include "stages/seal/digest.h"
#include "stages/seal/ending.h"
#include "stages/seal/payload_shape.h"

#include <inttypes.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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
		field_path_index(path, sizeof(path), "payload.errors", i);
		if (!span_string(span_get(error, "code"), &text) ||
		    !span_copy(text, name, sizeof(name)) || fault_code_parse(name) == FAULT_NONE)
			return fault_set(fault, code, path, "the code is not in the registry");
	}
	return FAULT_NONE;
}

/* Every argument is there when the audit level says so, and then only. */
static enum fault_code check_summary(struct span summary, enum fault_code code, struct fault *fault)
{
	struct span args = span_get(summary, "args");
	bool full = span_says(span_get(summary, "auditLevel"), "full");
	struct span_walk walk;
	struct span arg;
	int64_t declared = 0, count = 0;

	if (full != (args.len > 0))
		return fault_set(fault, code, "payload.policySummary.args",
				 "audit level full has them, and no other");
	if (!full || !span_integer(span_get(summary, "argsCount"), &declared) ||
	    !span_walk_array(args, &walk))
		return FAULT_NONE;
	while (span_next_element(&walk, &arg))
		count++;
	if (count != declared)
		return fault_set(fault, code, "payload.policySummary.argsCount",
				 "there are %" PRId64, count);
	return FAULT_NONE;
}

static enum fault_code check_compile(struct span payload, enum fault_code code, struct fault *fault)
{
	struct span summary = span_get(payload, "policySummary");
	enum fault_code failed = check_errors(span_get(payload, "errors"), code, fault);

	if (failed == FAULT_NONE && !span_null(summary))
		failed = check_summary(summary, code, fault);
	if (failed == FAULT_NONE && !nonce_valid(span_get(payload, "nonce")))
		failed = fault_set(fault, code, "payload.nonce", "32 hex digits must stand here");
	return failed;
}

static enum fault_code check_closing(const struct head *head, enum fault_code code,
				     struct fault *fault)
{
	struct span outcome = span_get(head->payload, "outcome");
	bool cleaned = head->type == EVENT_RUN_CLEANED;
	int64_t exit_code = 0;

	if (check_errors(span_get(head->payload, "errors"), code, fault) != FAULT_NONE)
		return fault->code;
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

/* The canonical {"args":[..],"command":".."}, where the event has both. */
static enum fault_code check_command_hash(struct span payload, enum fault_code code,
					  struct fault *fault)
{
	static const char before[] = "{\"args\":", between[] = ",\"command\":";
	struct span summary = span_get(payload, "policySummary");
	struct span args = span_get(summary, "args"), command = span_get(summary, "command");
	struct span claimed = span_get(span_get(payload, "artifacts"), "commandHash");
	struct digest *running;
	uint8_t value[DIGEST_SIZE];
	char text[DIGEST_TEXT_SIZE];

	if (args.len == 0 || command.len == 0)
		return FAULT_NONE;
	running = digest_new();
	digest_update(running, before, sizeof(before) - 1);
	digest_update(running, args.at, args.len);
	digest_update(running, between, sizeof(between) - 1);
	digest_update(running, command.at, command.len);
	digest_update(running, "}", 1);
	digest_value(running, value);
	digest_free(running);
	digest_text(value, text);
	if (span_says(claimed, text))
		return FAULT_NONE;
	return fault_set(fault, code, "payload.artifacts.commandHash",
			 "the hash of policySummary's command and arguments is %s", text);
}

/*
 * What rootfsHash must be: for the host's directories, whose contents nobody hashes, the hash of
 * payload.root itself; for a root of the policy's own the hash in it, of what that root is.
 */
static enum fault_code check_rootfs_hash(struct span root, struct span claimed,
					 enum fault_code code, struct fault *fault)
{
	static const char *const kinds[] = {"directory", "image", "oci"};
	static const char path[] = "payload.artifacts.rootfsHash";
	struct span hash = span_get(root, "hash");
	char text[DIGEST_TEXT_SIZE];
	uint8_t value[DIGEST_SIZE];

	if (span_kind(root) != SPAN_OBJECT)
		return span_null(claimed) ? FAULT_NONE
					  : fault_set(fault, code, path,
						      "there is no payload.root to be the hash of");
	if (one_of(span_get(root, "kind"), kinds, COUNT(kinds)))
		return hash.len == claimed.len && memcmp(hash.at, claimed.at, hash.len) == 0
			       ? FAULT_NONE
			       : fault_set(fault, code, path, "is not payload.root.hash");
	digest_bytes(root.at, root.len, value);
	digest_text(value, text);
	return span_says(claimed, text)
		       ? FAULT_NONE
		       : fault_set(fault, code, path, "the hash of payload.root is %s", text);
}

enum fault_code payload_check_hashes(const struct head *head, enum fault_code code,
				     struct fault *fault)
{
	static const char path[] = "payload.artifacts.kernelHash";
	struct span artifacts = span_get(head->payload, "artifacts");
	struct span kernel = span_get(head->payload, "kernel");
	struct span claimed = span_get(artifacts, "kernelHash");
	char text[DIGEST_TEXT_SIZE];
	uint8_t value[DIGEST_SIZE];

	if (span_kind(kernel) != SPAN_OBJECT && !span_null(claimed))
		return fault_set(fault, code, path, "there is no payload.kernel to be the hash of");
	/* A machine's kernel is a file with a hash of its own. */
	if (span_kind(kernel) == SPAN_OBJECT && span_says(span_get(kernel, "kind"), "image")) {
		struct span hash = span_get(kernel, "hash");

		if (hash.len == 0 || hash.len != claimed.len ||
		    memcmp(hash.at, claimed.at, hash.len) != 0)
			return fault_set(fault, code, path, "is not payload.kernel.hash");
	} else if (span_kind(kernel) == SPAN_OBJECT) {
		digest_bytes(kernel.at, kernel.len, value);
		digest_text(value, text);
		if (!span_says(claimed, text))
			return fault_set(fault, code, path, "the hash of payload.kernel is %s",
					 text);
	}
	if (check_rootfs_hash(span_get(head->payload, "root"), span_get(artifacts, "rootfsHash"),
			      code, fault) != FAULT_NONE)
		return fault->code;
	return check_command_hash(head->payload, code, fault);
}

/* Counters that say something: a rule nobody hit has no event. */
static enum fault_code check_hit(struct span payload, enum fault_code code, struct fault *fault)
{
	int64_t allowed = 0, blocked = 0;

	if (!span_integer(span_get(payload, "allowedHits"), &allowed) ||
	    !span_integer(span_get(payload, "blockedHits"), &blocked) || allowed < 0 ||
	    blocked < 0 || (allowed == 0 && blocked == 0))
		return fault_set(fault, code, "payload.allowedHits",
				 "allowedHits and blockedHits count what happened, at least once");
	return FAULT_NONE;
}

enum fault_code payload_check(const struct head *head, enum fault_code code, struct fault *fault)
{
	const struct shape *shape = payload_shape(head->type);

	if (shape != NULL &&
	    shape_check(shape, head->payload, "payload", code, fault) != FAULT_NONE)
		return fault->code;
	if (head->type == EVENT_COMPILE)
		return check_compile(head->payload, code, fault);
	if (head->type == EVENT_NETWORK_RULE_HIT)
		return check_hit(head->payload, code, fault);
	if (head->type == EVENT_OUTPUT_TRUNCATED)
		return ending_check_truncated(head->payload, code, fault);
	if (head->type == EVENT_VM_EXITED)
		return ending_check_exited(head->payload, code, fault);
	if (event_type_closes(head->type))
		return check_closing(head, code, fault);
	return FAULT_NONE;
}
