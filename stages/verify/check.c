/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/check.h"

#include "ipc/canon.h"
#include "ipc/record.h"
#include "stages/seal/report.h"
#include "stages/seal/shape.h"
#include "stages/verify/events.h"

#include <inttypes.h>
#include <string.h>

/* As much as any value derived from events can need. */
#define VALUE_MAX (2 * RECORD_EVENT_MAX)

static const struct shape_field integrity_fields[] = {
	SHAPE_FIELD("canonicalization", SHAPE_STRING),
	SHAPE_FIELD("chainHead", SHAPE_HASH),
	SHAPE_FIELD("digest", SHAPE_HASH),
	SHAPE_FIELD("eventCount", SHAPE_INTEGER),
	SHAPE_FIELD("merkleRoot", SHAPE_HASH),
};
static const struct shape integrity_shape = {
	.fields = integrity_fields,
	.field_count = sizeof(integrity_fields) / sizeof(integrity_fields[0]),
	.openness = SHAPE_CLOSED,
};

struct report {
	struct span text;
	struct span members[REPORT_MEMBER_COUNT]; /* empty: missing */
	struct events events;
};

static bool check_canonical(struct span text, struct verdict *verdict)
{
	size_t offset = 0;

	if (canon_check(text.at, text.len, &offset)) {
		verdict_pass(verdict, VERDICT_CANONICAL);
		return true;
	}
	verdict_refuse_at(verdict, VERDICT_CANONICAL, "",
			  "not canonical JSON at byte %zu of %zu: no safe-run wrote these bytes",
			  offset, text.len);
	return false;
}

static void split_members(struct report *report, struct verdict *verdict)
{
	struct span_walk walk;
	struct span key, value;
	size_t next = 0;

	if (!span_walk_object(report->text, &walk)) {
		verdict_refuse_at(verdict, VERDICT_SCHEMA, "", "a report is an object");
		return;
	}
	while (span_next_member(&walk, &key, &value)) {
		size_t found = next;

		while (found < REPORT_MEMBER_COUNT &&
		       !span_equal(key, report_member_name((enum report_member)found)))
			found++;
		if (found == REPORT_MEMBER_COUNT) {
			verdict_refuse_at(verdict, VERDICT_SCHEMA, "",
					  "%.*s is no field of a report",
					  key.len < 80 ? (int)key.len : 80, key.at);
			continue;
		}
		report->members[found] = value;
		next = found + 1;
	}
	for (size_t i = 0; i < REPORT_MEMBER_COUNT; i++)
		if (report->members[i].len == 0)
			verdict_refuse_at(verdict, VERDICT_SCHEMA,
					  report_member_name((enum report_member)i),
					  "the field is missing");
}

static void check_schema(const struct report *report, struct verdict *verdict)
{
	struct span integrity = report->members[REPORT_INTEGRITY];
	struct span version = report->members[REPORT_SCHEMA_VERSION];
	struct fault fault;

	if (version.len > 0 && !span_says(version, REPORT_SCHEMA))
		verdict_refuse_at(verdict, VERDICT_SCHEMA, "schemaVersion",
				  "only " REPORT_SCHEMA " is known here");
	if (integrity.len == 0)
		return;
	if (shape_check(&integrity_shape, integrity, "integrity", FAULT_REPORT_SCHEMA, &fault) !=
	    FAULT_NONE)
		verdict_refuse(verdict, VERDICT_SCHEMA, &fault);
	else if (!span_says(span_get(integrity, "canonicalization"), "RFC8785"))
		verdict_refuse_at(verdict, VERDICT_SCHEMA, "integrity.canonicalization",
				  "only RFC8785 is known here");
}

static void check_events(struct report *report, struct verdict *verdict)
{
	struct span_walk walk;
	struct span event;

	if (!span_walk_array(report->members[REPORT_EVENTS], &walk)) {
		verdict_refuse_at(verdict, VERDICT_SCHEMA, "events", "an array must stand here");
		return;
	}
	while (span_next_element(&walk, &event))
		events_take(&report->events, event, verdict);
	if (report->events.count == 0)
		verdict_refuse_at(verdict, VERDICT_SCHEMA, "events", "there are no events");
	events_finish(&report->events, verdict);
}

static void check_integrity(const struct report *report, struct verdict *verdict)
{
	struct span integrity = report->members[REPORT_INTEGRITY];
	const struct events *events = &report->events;
	char root[DIGEST_TEXT_SIZE];
	int64_t count = FACTS_UNKNOWN;

	chain_root(&events->chain, root);
	if (!span_integer(span_get(integrity, "eventCount"), &count) ||
	    (uint64_t)count != events->count)
		verdict_refuse_at(verdict, VERDICT_EVENT_COUNT, "integrity.eventCount",
				  "there are %" PRIu64 " events", events->count);
	if (!span_says(span_get(integrity, "chainHead"), events->chain.last))
		verdict_refuse_at(verdict, VERDICT_EVENT_CHAIN, "integrity.chainHead",
				  "the chain ends in %s", events->chain.last);
	if (!span_says(span_get(integrity, "merkleRoot"), root))
		verdict_refuse_at(verdict, VERDICT_MERKLE_ROOT, "integrity.merkleRoot",
				  "the events have the root %s", root);
	verdict_pass(verdict, VERDICT_EVENT_COUNT);
	verdict_pass(verdict, VERDICT_MERKLE_ROOT);
}

/* The hash of these very bytes with the digest's text cut out. */
static void check_digest(const struct report *report, struct verdict *verdict)
{
	struct span claimed = {.at = "", .len = 0};
	struct digest *running;
	uint8_t value[DIGEST_SIZE];
	char text[DIGEST_TEXT_SIZE];
	const char *end = report->text.at + report->text.len;

	if (!span_string(span_get(report->members[REPORT_INTEGRITY], "digest"), &claimed)) {
		verdict_refuse_at(verdict, VERDICT_REPORT_DIGEST, "integrity.digest",
				  "there is none");
		return;
	}
	running = digest_new();
	digest_update(running, report->text.at, (size_t)(claimed.at - report->text.at));
	digest_update(running, claimed.at + claimed.len,
		      (size_t)(end - (claimed.at + claimed.len)));
	digest_value(running, value);
	digest_free(running);
	digest_text(value, text);
	if (span_equal(claimed, text))
		verdict_pass(verdict, VERDICT_REPORT_DIGEST);
	else
		verdict_refuse_at(verdict, VERDICT_REPORT_DIGEST, "integrity.digest",
				  "the report's digest is %s: it was changed", text);
}

static enum verdict_check check_of(enum report_member member)
{
	switch (member) {
	case REPORT_ARTIFACTS:
		return VERDICT_ARTIFACT_HASH;
	case REPORT_RUN_ID:
	case REPORT_STARTED_AT:
	case REPORT_FINISHED_AT:
		return VERDICT_CROSS_FIELD;
	case REPORT_DEGRADED:
	case REPORT_ENFORCEMENT:
	case REPORT_ERRORS:
	case REPORT_EVENTS:
	case REPORT_EXIT_CODE:
	case REPORT_INTEGRITY:
	case REPORT_MOUNT_AUDIT:
	case REPORT_NETWORK_AUDIT:
	case REPORT_OUTCOME:
	case REPORT_OUTPUT:
	case REPORT_OUTPUTS:
	case REPORT_POLICY_SUMMARY:
	case REPORT_RESOURCE_USAGE:
	case REPORT_SCHEMA_VERSION:
	case REPORT_STATE:
	case REPORT_VERDICT:
	case REPORT_MEMBER_COUNT:
		break;
	}
	return VERDICT_DERIVED;
}

/* Decided by the first events, so known even when a later one cannot be used. */
static bool known_early(enum report_member member, const struct facts *facts)
{
	return (member == REPORT_ARTIFACTS && facts->prepared) || member == REPORT_RUN_ID ||
	       member == REPORT_STARTED_AT || member == REPORT_POLICY_SUMMARY;
}

static void check_member(const struct report *report, enum report_member member,
			 struct verdict *verdict)
{
	struct span claimed = report->members[member];
	struct buf derived BUF_CLEANUP;

	buf_init(&derived, VALUE_MAX);
	report_value(member, &report->events.facts, &derived);
	if (derived.len != claimed.len || memcmp(derived.data, claimed.at, claimed.len) != 0)
		verdict_refuse_at(verdict, check_of(member), report_member_name(member),
				  "not what the events say, which is %.*s",
				  derived.len < 200 ? (int)derived.len : 200, derived.data);
}

static void check_derived(const struct report *report, struct verdict *verdict)
{
	const struct events *events = &report->events;

	if (events->gapped)
		verdict_refuse_at(verdict, VERDICT_DERIVED, "events",
				  "nothing can be derived from events that are not acceptable");
	if (events->facts.artifacts.len == 0)
		return; /* not even the first event can be used */
	for (enum report_member member = 0; member < REPORT_MEMBER_COUNT; member++) {
		if (member == REPORT_EVENTS || member == REPORT_INTEGRITY ||
		    (events->gapped && !known_early(member, &events->facts)))
			continue;
		check_member(report, member, verdict);
	}
	verdict_pass(verdict, VERDICT_DERIVED);
	if (!events->gapped || events->facts.prepared)
		verdict_pass(verdict, VERDICT_ARTIFACT_HASH);
}

static void note(const struct report *report, struct verdict *verdict)
{
	struct span run_id;

	if (span_string(report->members[REPORT_RUN_ID], &run_id) &&
	    span_copy(run_id, verdict->run_id, sizeof(verdict->run_id)) &&
	    !runid_valid(verdict->run_id))
		verdict->run_id[0] = '\0';
	verdict->output_uncaptured =
		span_equal(span_get(report->members[REPORT_OUTPUT], "captured"), "false");
}

void check_report(struct span text, struct verdict *verdict)
{
	struct report report = {.text = text};

	if (!check_canonical(text, verdict))
		return;
	events_init(&report.events);
	split_members(&report, verdict);
	check_schema(&report, verdict);
	check_events(&report, verdict);
	check_integrity(&report, verdict);
	check_digest(&report, verdict);
	check_derived(&report, verdict);
	note(&report, verdict);
	verdict_pass(verdict, VERDICT_SCHEMA);
	events_release(&report.events);
}

static bool next_line(struct span *rest, struct span *line)
{
	const char *end = rest->len == 0 ? NULL : memchr(rest->at, '\n', rest->len);

	if (end == NULL)
		return false;
	*line = (struct span){.at = rest->at, .len = (size_t)(end - rest->at)};
	rest->at += line->len + 1;
	rest->len -= line->len + 1;
	return true;
}

void check_event_lines(struct span text, struct verdict *verdict)
{
	struct events events;
	struct span line;

	events_init(&events);
	while (next_line(&text, &line) && check_canonical(line, verdict))
		events_take(&events, line, verdict);
	events_finish(&events, verdict);
	if (events.facts.closed)
		verdict_refuse_at(
			verdict, VERDICT_COMPLETE, "",
			"there is no report; the events are whole up to the closing one, %" PRIu64,
			events.count - 1);
	if (text.len > 0)
		verdict_refuse_at(verdict, VERDICT_COMPLETE, "events",
				  "the last %zu bytes, behind %" PRIu64
				  " whole events, are no whole event",
				  text.len, events.count);
	verdict_pass(verdict, VERDICT_SCHEMA);
	(void)span_copy((struct span){events.facts.run_id, strlen(events.facts.run_id)},
			verdict->run_id, sizeof(verdict->run_id));
	events_release(&events);
}
