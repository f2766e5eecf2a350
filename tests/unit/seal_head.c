/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/head.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "tests/support/evidence.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same_place(struct span left, struct span right)
{
	return left.at == right.at && left.len == right.len;
}

/* What canon_check_index notes on its way is what head_scan finds by walking. */
static void expect_same_places(const char *line, size_t len, const struct head *read)
{
	struct fault fault;
	struct head scanned;

	cr_assert_eq(head_scan((struct span){line, len}, HEAD_TRAVELLING, FAULT_EVIDENCE_EVENT,
			       &scanned, &fault),
		     FAULT_NONE, "head_scan refuses %.*s", (int)len, line);
	cr_expect(same_place(read->payload, scanned.payload));
	cr_expect_eq(read->depth, scanned.depth, "%.*s", (int)len, line);
	cr_assert_eq(read->member_count, scanned.member_count, "%.*s", (int)len, line);
	for (size_t i = 0; i < read->member_count && i < HEAD_MEMBERS_MAX; i++) {
		cr_expect(same_place(read->members[i].key, scanned.members[i].key));
		cr_expect(same_place(read->members[i].value, scanned.members[i].value));
	}
}

/* event_parse builds a document and head_read does not: they must agree on every line. */
static void expect_same(const char *line, size_t len)
{
	struct fault parse_fault, head_fault;
	struct event event;
	struct head head;
	bool parsed =
		event_parse(line, len, FAULT_EVIDENCE_EVENT, &event, &parse_fault) == FAULT_NONE;
	bool read = head_read(line, len, HEAD_TRAVELLING, FAULT_EVIDENCE_EVENT, &head,
			      &head_fault) == FAULT_NONE;

	cr_assert_eq(parsed, read, "event_parse %s, head_read %s: %.*s",
		     parsed ? "takes it" : parse_fault.message,
		     read ? "takes it" : head_fault.message, (int)len, line);
	if (!parsed)
		return;
	cr_expect_eq(event.seq, head.seq);
	cr_expect_eq(event.boot_ns, head.boot_ns);
	cr_expect_eq(event.type, head.type);
	cr_expect(span_equal(head.run_id, event.run_id));
	cr_expect(span_equal(head.stage, event.stage));
	cr_expect(span_equal(head.timestamp, event.timestamp));
	expect_same_places(line, len, &head);
	event_release(&event);
}

#define GOOD                                                                                       \
	"{\"payload\":{\"bootNs\":\"1\",\"observedBy\":\"kernel\"},\"runId\":\"sr-1\",\"seq\":0,"  \
	"\"stage\":\"launch\",\"timestamp\":\"2026-01-01T00:00:00.000000000Z\","                   \
	"\"type\":\"compile\"}"

static const struct {
	const char *find, *replace;
	bool good;
} changes[] = {
	{"\"1\"", "\"1\"", true},
	{"\"1\"", "\"18446744073709551615\"", true},
	{"\"1\"", "\"18446744073709551616\"", false},
	{"\"1\"", "\"01\"", false},
	{"\"1\"", "\"\"", false},
	{"\"1\"", "1", false},
	{"\"1\"", "null", false},
	{"\"1\"", "\"1\",\"c\":{\"d\":[{\"e\":{}},[]],\"f\":{}}", true},
	{"\"1\"", "\"1\",\"c\":[],\"d\":{},\"e\":0,\"f\":0,\"g\":0,\"h\":0", true},
	{"\"1\"", "\"1\",\"c\":[],\"d\":{},\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,\"j\":0", true},
	{"\"kernel\"", "\"front-end\"", true},
	{"\"kernel\"", "\"Kernel\"", false},
	{"\"kernel\"", "\"\"", false},
	{"\"bootNs\":\"1\",", "", false},
	{",\"observedBy\":\"kernel\"", "", false},
	{"{\"bootNs\":\"1\",\"observedBy\":\"kernel\"}", "[]", false},
	{"{\"bootNs\":\"1\",\"observedBy\":\"kernel\"}", "{}", false},
	{"{\"bootNs\":\"1\",\"observedBy\":\"kernel\"}", "null", false},
	{"sr-1", "a", true},
	{"sr-1", "", false},
	{"sr-1", "-a", false},
	{"sr-1", "a_b", false},
	{"sr-1", "0123456789012345678901234567890123456789012345678901234567890123", true},
	{"sr-1", "01234567890123456789012345678901234567890123456789012345678901234", false},
	{"\"seq\":0", "\"seq\":9007199254740991", true},
	{"\"seq\":0", "\"seq\":9007199254740992", false},
	{"\"seq\":0", "\"seq\":-1", false},
	{"\"seq\":0", "\"seq\":\"0\"", false},
	{"\"seq\":0,", "", false},
	{"\"launch\"", "\"A-Z.a_z:0+9\"", true},
	{"\"launch\"", "\"\"", false},
	{"\"launch\"", "\"a|b\"", false},
	{"\"launch\"", "\"a b\"", false},
	{"\"launch\"", "\"a\\n\"", false},
	{"\"launch\"", "\"\xc3\xa9\"", false},
	{"01-01T", "02-30T", false},
	{"01-01T", "12-31T", true},
	{"T00:", "T24:", false},
	{"000000000Z", "000000000+00:00", false},
	{"000000000Z", "00000000Z", false},
	{"\"compile\"", "\"compiled\"", false},
	{"\"compile\"", "\"resource.sampled\"", true},
	{"\"compile\"", "\"network.rule.cleanup_failed\"", true},
	{"\"compile\"", "\"network.rule.cleanup_failed.and.more\"", false},
	{"\"compile\"", "\"\"", false},
	{"\"compile\"", "\"compile\",\"zzz\":1", false},
	{"{\"payload\"", "{\"a\":1,\"payload\"", false},
	{"\"stage\"", "\"stag\"", false},
	{"\"stage\"", "\"stage \"", false},
	{"{\"payload\"", "{ \"payload\"", false},
	{"\"kernel\"}", "\"kernel\",\"z\":{\"\":[{}]}}", true},
};

Test(seal_head, takes_and_refuses_what_event_parse_does)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct buf line;
		struct fault fault;
		struct head head;

		buf_init(&line, EVIDENCE_MAX);
		buf_append_text(&line, GOOD);
		evidence_replace(&line, changes[i].find, changes[i].replace, 0);
		expect_same(line.data, line.len);
		cr_expect_eq(head_read(line.data, line.len, HEAD_TRAVELLING, FAULT_EVIDENCE_EVENT,
				       &head, &fault) == FAULT_NONE,
			     changes[i].good, "%s", changes[i].replace);
		buf_release(&line);
	}
}

/* A payload of FIELDS_MAX members, one fewer, one more. */
Test(seal_head, members_of_a_payload)
{
	for (int count = FIELDS_MAX - 1; count <= FIELDS_MAX + 1; count++) {
		struct buf line;
		char names[FIELDS_MAX * 16] = "\"kernel\"";
		struct fault fault;
		struct head head;

		for (int i = 0; i < count - 2; i++)
			snprintf(names + strlen(names), sizeof(names) - strlen(names),
				 ",\"x%03d\":0", i);
		buf_init(&line, EVIDENCE_MAX);
		buf_append_text(&line, GOOD);
		evidence_replace(&line, "\"kernel\"", names, 0);
		expect_same(line.data, line.len);
		cr_expect_eq(head_read(line.data, line.len, HEAD_TRAVELLING, FAULT_EVIDENCE_EVENT,
				       &head, &fault) == FAULT_NONE,
			     count <= FIELDS_MAX, "%d members", count);
		buf_release(&line);
	}
}

/* Each vector as the event, and inside an event's payload. */
static void expect_same_on(const char *set)
{
	struct vector_set vectors;

	vectors_load(set, &vectors);
	for (size_t i = 0; i < vectors.count; i++) {
		const struct vector *vector = &vectors.items[i];
		struct buf line;

		expect_same(vector->data, vector->len);
		buf_init(&line, EVIDENCE_MAX);
		buf_append_text(&line, "{\"payload\":{\"a\":");
		buf_append(&line, vector->data, vector->len);
		buf_append_text(&line, strstr(GOOD, "\"bootNs\"") - 1);
		line.data[strlen("{\"payload\":{\"a\":") + vector->len] = ',';
		expect_same(line.data, line.len);
		buf_release(&line);
	}
	vectors_release(&vectors);
}

Test(seal_head, agrees_with_event_parse_on_the_record_vectors)
{
	expect_same_on("records/accept");
	expect_same_on("records/reject");
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Fixed seed: the same hundred thousand lines each time. */
Test(seal_head, agrees_with_event_parse_on_broken_lines)
{
	static const char *const pieces[] = {"\"",	"{",	"}",	    "[", "]",	 ",",
					     ":",	"\\",	"0",	    "-", "null", "\"a\":1,",
					     "\\u0001", "\x7f", "\xc3\xa9", ""};
	uint64_t state = 88172645463325252;
	char good[] = GOOD;

	for (int round = 0; round < 100000; round++) {
		char line[sizeof(good) + 64];
		size_t at = next_random(&state) % (sizeof(good) - 1);
		size_t cut = next_random(&state) % 3;
		const char *piece = pieces[next_random(&state) % 16];
		int len;

		if (cut > sizeof(good) - 1 - at)
			cut = sizeof(good) - 1 - at;
		len = snprintf(line, sizeof(line), "%.*s%s%s", (int)at, good, piece,
			       good + at + cut);
		expect_same(line, (size_t)len);
	}
}

static const struct {
	const char *payload_member;
	size_t depth;
} depths[] = {{"1", 2}, {"[]", 3}, {"{\"a\":[]}", 4}, {"[[[[1]]]]", 6}};

Test(seal_head, depth_of_the_whole_event)
{
	for (size_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
		char member[64];
		struct buf line;
		struct fault fault;
		struct head head;

		snprintf(member, sizeof(member), "{\"a\":%s,\"bootNs\"", depths[i].payload_member);
		buf_init(&line, EVIDENCE_MAX);
		buf_append_text(&line, GOOD);
		evidence_replace(&line, "{\"bootNs\"", member, 0);
		cr_assert_eq(head_read(line.data, line.len, HEAD_TRAVELLING, FAULT_EVIDENCE_EVENT,
				       &head, &fault),
			     FAULT_NONE);
		cr_expect_eq(head.depth, depths[i].depth, "%s", depths[i].payload_member);
		buf_release(&line);
	}
}

Test(seal_head, place_names_the_event)
{
	struct fault fault;

	fault_set(&fault, FAULT_EVIDENCE_EVENT, "payload.bootNs", "x");
	head_place(&fault, 7);
	cr_expect_str_eq(fault.path, "events[7].payload.bootNs");
	fault_set(&fault, FAULT_EVIDENCE_EVENT, "", "x");
	head_place(&fault, UINT64_MAX);
	cr_expect_str_eq(fault.path, "events[18446744073709551615]");
}
