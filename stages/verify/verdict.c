/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/verdict.h"

#include "ipc/object.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	enum fault_code code;
} checks[VERDICT_CHECK_COUNT] = {
	[VERDICT_CANONICAL] = {"canonical", FAULT_REPORT_CANONICAL},
	[VERDICT_SCHEMA] = {"schema", FAULT_REPORT_SCHEMA},
	[VERDICT_CROSS_FIELD] = {"cross_field", FAULT_REPORT_SCHEMA},
	[VERDICT_ARTIFACT_HASH] = {"artifact_hash", FAULT_REPORT_HASH},
	[VERDICT_EVENT_CHAIN] = {"event_chain", FAULT_REPORT_CHAIN},
	[VERDICT_EVENT_COUNT] = {"event_count", FAULT_REPORT_CHAIN},
	[VERDICT_MERKLE_ROOT] = {"merkle_root", FAULT_REPORT_CHAIN},
	[VERDICT_REPORT_DIGEST] = {"report_digest", FAULT_REPORT_HASH},
	[VERDICT_DERIVED] = {"derived", FAULT_REPORT_SCHEMA},
	[VERDICT_COMPLETE] = {"complete", FAULT_REPORT_INCOMPLETE},
	[VERDICT_STATEMENT] = {"statement", FAULT_REPORT_SIGNATURE},
	[VERDICT_SIGNATURE] = {"signature", FAULT_REPORT_SIGNATURE},
	[VERDICT_PREV] = {"prev", FAULT_REPORT_PREV},
	[VERDICT_CHALLENGE] = {"challenge", FAULT_REPORT_CHALLENGE},
	[VERDICT_LOG] = {"log", FAULT_REPORT_SIGNATURE},
	[VERDICT_FORWARD_SEAL] = {"forward_seal", FAULT_REPORT_FORWARD},
};

enum fault_code verdict_code(enum verdict_check check)
{
	return checks[check].code;
}

void verdict_want(struct verdict *verdict, enum verdict_check check)
{
	verdict->wanted[check] = true;
}

/* Whether a check has any part in the answer. */
static bool counts(const struct verdict *verdict, size_t check)
{
	return check < VERDICT_STATEMENT || verdict->wanted[check] ||
	       verdict->states[check] != VERDICT_NOT_RUN;
}

void verdict_pass(struct verdict *verdict, enum verdict_check check)
{
	if (verdict->states[check] == VERDICT_NOT_RUN)
		verdict->states[check] = VERDICT_PASSED;
}

void verdict_refuse(struct verdict *verdict, enum verdict_check check, const struct fault *fault)
{
	verdict->states[check] = VERDICT_REFUSED;
	if (verdict->reason_counts[check]++ < VERDICT_REASONS_MAX)
		fault_list_add(&verdict->faults, fault);
}

void verdict_refuse_at(struct verdict *verdict, enum verdict_check check, const char *path,
		       const char *format, ...)
{
	char message[FAULT_MESSAGE_SIZE];
	struct fault fault;
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	fault_set(&fault, checks[check].code, path, "%s", message);
	verdict_refuse(verdict, check, &fault);
}

bool verdict_valid(const struct verdict *verdict)
{
	for (size_t i = 0; i < VERDICT_CHECK_COUNT; i++)
		if (counts(verdict, i) && verdict->states[i] != VERDICT_PASSED)
			return false;
	return true;
}

/* Only the end is missing: what is there holds. */
static bool incomplete(const struct verdict *verdict)
{
	if (verdict->states[VERDICT_COMPLETE] != VERDICT_REFUSED)
		return false;
	for (size_t i = 0; i < VERDICT_CHECK_COUNT; i++)
		if (i != VERDICT_COMPLETE &&
		    (verdict->states[i] == VERDICT_REFUSED ||
		     (verdict->wanted[i] && verdict->states[i] == VERDICT_NOT_RUN)))
			return false;
	return true;
}

static struct json_object *checks_to_json(const struct verdict *verdict)
{
	struct json_object *list = array_new();

	for (size_t i = 0; i < VERDICT_CHECK_COUNT; i++) {
		struct json_object *check;

		if (!counts(verdict, i))
			continue;
		check = object_new();
		object_add_string(check, "name", checks[i].name);
		object_add_bool(check, "ok", verdict->states[i] == VERDICT_PASSED);
		array_append(list, check);
	}
	return list;
}

static struct json_object *errors_to_json(const struct verdict *verdict)
{
	struct fault_list all = verdict->faults;

	for (size_t i = 0; i < VERDICT_CHECK_COUNT; i++) {
		struct fault more;

		if (verdict->reason_counts[i] <= VERDICT_REASONS_MAX)
			continue;
		fault_set(&more, checks[i].code, "", "%s: %zu reasons more", checks[i].name,
			  verdict->reason_counts[i] - VERDICT_REASONS_MAX);
		fault_list_add(&all, &more);
	}
	return fault_list_to_json(&all);
}

/* What is left open about who made it. */
static void add_limit_of_signer(const struct verdict *verdict, struct json_object *list)
{
	char text[256];

	if (verdict->states[VERDICT_SIGNATURE] == VERDICT_PASSED) {
		array_append_string(list,
				    strcmp(verdict->key_where, "service") == 0
					    ? "that whoever could ask the signer did not ask it to "
					      "sign a report of their making"
					    : "that nobody else had the key: it was in a file of "
					      "the account that ran safe-run");
		return;
	}
	if (verdict->keyid[0] == '\0' && verdict->states[VERDICT_FORWARD_SEAL] == VERDICT_PASSED) {
		array_append_string(list, "who made it, to anybody but whoever kept the forward "
					  "key: it is not signed");
		return;
	}
	if (verdict->keyid[0] == '\0') {
		array_append_string(list, "who made it: it is not signed, and whoever can write "
					  "the file can make another that recomputes");
		return;
	}
	snprintf(text, sizeof(text),
		 "who made it: it says it is signed by key %s, which is not trusted here",
		 verdict->keyid);
	array_append_string(list, text);
}

/* A log says that bytes were kept, and not who made them: without a signer it adds nothing. */
static bool logged(const struct verdict *verdict)
{
	return verdict->states[VERDICT_SIGNATURE] == VERDICT_PASSED &&
	       verdict->states[VERDICT_LOG] == VERDICT_PASSED;
}

/* "logged(" origin "," uint64 ")" */
#define TRUST_SIZE (sizeof("logged(,)") + NOTE_ORIGIN_MAX + 20)

static void add_trust(const struct verdict *verdict, bool stands, struct json_object *record)
{
	char text[TRUST_SIZE] = "none";

	if (stands && logged(verdict))
		snprintf(text, sizeof(text), "logged(%s,%" PRIu64 ")", verdict->log.origin,
			 verdict->log.size);
	else if (stands)
		snprintf(text, sizeof(text), "%s",
			 verdict->states[VERDICT_SIGNATURE] == VERDICT_PASSED ? "signed" : "self");
	object_add_string(record, "trust", text);
}

/* What is left open about what else there was, and when. */
static void add_limit_of_others(const struct verdict *verdict, struct json_object *list)
{
	bool follows = verdict->states[VERDICT_PREV] == VERDICT_PASSED;

	if (follows)
		array_append_string(list, "that no run is missing behind it");
	else if (!logged(verdict))
		array_append_string(list, "that it is the only report of this run, or that no run "
					  "is missing");
	if (logged(verdict))
		array_append_string(list,
				    "that every run was archived, or that the archive shows "
				    "everybody the same leaves: hold its checkpoints against each "
				    "other (safe-run archive verify --since)");
	else if (verdict->states[VERDICT_SIGNATURE] == VERDICT_PASSED)
		array_append_string(list, "that whoever has the key did not make it later, or "
					  "another in its place: no log was looked at");
}

static struct json_object *limits_to_json(const struct verdict *verdict)
{
	struct json_object *list = array_new();

	add_limit_of_signer(verdict, list);
	add_limit_of_others(verdict, list);
	array_append_string(list,
			    "that the host's kernel, clocks and safe-run itself told the truth");
	array_append_string(list, "what an event marked observedBy guest or workload claims");
	if (verdict->output_uncaptured)
		array_append_string(list, "what the command printed: nobody captured it");
	if (verdict->states[VERDICT_FORWARD_SEAL] == VERDICT_PASSED)
		array_append_string(list, "what was recorded once somebody had broken into the "
					  "host, or had the forward key");
	if (verdict->states[VERDICT_COMPLETE] == VERDICT_REFUSED)
		array_append_string(list, "what happened after the last event");
	return list;
}

struct json_object *verdict_to_json(const struct verdict *verdict)
{
	struct json_object *record = object_new();
	bool valid = verdict_valid(verdict);
	const char *result = valid ? "valid" : incomplete(verdict) ? "incomplete" : "invalid";

	object_add(record, "checks", checks_to_json(verdict));
	object_add(record, "doesNotProve", limits_to_json(verdict));
	object_add(record, "errors", errors_to_json(verdict));
	if (verdict->keyid[0] != '\0')
		object_add_string(record, "keyid", verdict->keyid);
	if (verdict->key_where[0] != '\0')
		object_add_string(record, "keyWhere", verdict->key_where);
	object_add_string(record, "result", result);
	if (verdict->run_id[0] != '\0')
		object_add_string(record, "runId", verdict->run_id);
	add_trust(verdict, valid || incomplete(verdict), record);
	object_add_bool(record, "valid", valid);
	return record;
}

enum fault_code verdict_send(const struct verdict *verdict, const struct record_sink *sink,
			     struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = verdict_to_json(verdict);

	return record_send(sink, record, RECORD_EVENT_MAX, fault);
}
