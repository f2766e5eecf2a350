/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/check.h"

#include "tests/support/evidence.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void make_report(struct buf *report)
{
	struct buf stream;

	buf_init(&stream, EVIDENCE_MAX);
	buf_init(report, EVIDENCE_MAX);
	evidence_finished(&stream);
	evidence_seal(&stream, report);
	buf_release(&stream);
}

static bool valid(const char *data, size_t len)
{
	struct verdict verdict = {0};

	check_report((struct span){data, len}, &verdict);
	/* Never refused without a reason, never valid with one. */
	cr_assert_eq(verdict_valid(&verdict), verdict.faults.count == 0);
	return verdict_valid(&verdict);
}

Test(verify_check, untouched)
{
	struct buf report;

	make_report(&report);
	cr_expect(valid(report.data, report.len));
	buf_release(&report);
}

Test(verify_check, every_single_bit_matters)
{
	struct buf report;

	make_report(&report);
	for (size_t bit = 0; bit < report.len * 8; bit++) {
		report.data[bit / 8] ^= (char)(1 << bit % 8);
		cr_assert(!valid(report.data, report.len), "bit %zu of byte %zu", bit % 8, bit / 8);
		report.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	cr_expect(valid(report.data, report.len));
	buf_release(&report);
}

/* The same after whoever flipped the bit computed the digest again: the chain and the rest hold. */
Test(verify_check, every_single_bit_of_the_events_matters_to_the_chain)
{
	struct buf report;
	size_t start, end;

	make_report(&report);
	start = (size_t)((char *)memmem(report.data, report.len, "\"events\":[", 10) -
			 report.data) +
		10;
	end = (size_t)((char *)memmem(report.data, report.len, "],\"exitCode\"", 12) - report.data);
	for (size_t bit = start * 8; bit < end * 8; bit += 5) {
		struct buf copy;

		buf_init(&copy, EVIDENCE_MAX);
		buf_append(&copy, report.data, report.len);
		copy.data[bit / 8] ^= (char)(1 << bit % 8);
		evidence_redigest(&copy);
		cr_assert(!valid(copy.data, copy.len), "bit %zu of byte %zu", bit % 8, bit / 8);
		buf_release(&copy);
	}
	buf_release(&report);
}

/* In memory of exactly that size, so that a sanitizer sees a byte too far. */
Test(verify_check, every_truncation_is_refused)
{
	struct buf report;

	make_report(&report);
	for (size_t len = 0; len < report.len; len++) {
		char *cut = malloc(len > 0 ? len : 1);

		memcpy(cut, report.data, len);
		cr_assert(!valid(cut, len), "%zu bytes", len);
		free(cut);
	}
	buf_release(&report);
}

Test(verify_check, every_missing_byte_is_refused)
{
	struct buf report;

	make_report(&report);
	for (size_t at = 0; at < report.len; at++) {
		struct buf copy;

		buf_init(&copy, EVIDENCE_MAX);
		buf_append(&copy, report.data, at);
		buf_append(&copy, report.data + at + 1, report.len - at - 1);
		cr_assert(!valid(copy.data, copy.len), "byte %zu", at);
		buf_release(&copy);
	}
	buf_release(&report);
}

/* Each member of a report, taken out with everything computed again: named, and nothing else
 * passes. */
Test(verify_check, every_member_is_needed)
{
	static const char *const members[] = {
		"artifacts",  "enforcement",   "errors",	"events",	"exitCode",
		"finishedAt", "integrity",     "mountAudit",	"networkAudit", "outcome",
		"output",     "policySummary", "resourceUsage", "runId",	"schemaVersion",
		"startedAt",  "state",
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		struct verdict verdict = {0};
		struct buf report, cut;
		struct span value;
		size_t start, end;

		make_report(&report);
		buf_init(&cut, EVIDENCE_MAX);
		cr_assert(span_member((struct span){report.data, report.len}, members[i], &value));
		start = (size_t)(value.at - report.data) - strlen(members[i]) - 3;
		end = (size_t)(value.at - report.data) + value.len;
		buf_append(&cut, report.data, i == 0 ? start : start - 1);
		buf_append(&cut, report.data + (i == 0 ? end + 1 : end),
			   report.len - (i == 0 ? end + 1 : end));
		if (strcmp(members[i], "events") != 0)
			evidence_rehash(&cut);
		check_report((struct span){cut.data, cut.len}, &verdict);
		cr_expect_eq(verdict.states[VERDICT_CANONICAL], VERDICT_PASSED, "%s", members[i]);
		cr_expect_eq(verdict.states[VERDICT_SCHEMA], VERDICT_REFUSED, "%s", members[i]);
		cr_expect_str_eq(verdict.faults.items[0].path, members[i]);
		buf_release(&report);
		buf_release(&cut);
	}
}

/* A hundred bad events give the first few reasons and a count, never a list without end. */
Test(verify_check, reasons_are_bounded_and_counted)
{
	struct verdict verdict = {0};
	struct buf stream, report;

	buf_init(&stream, EVIDENCE_MAX);
	buf_init(&report, EVIDENCE_MAX);
	evidence_failed(&stream, 1000);
	evidence_seal(&stream, &report);
	evidence_replace(&report, "\"currentBytes\":4096", "\"currentBytes\":4095", -1);
	check_report((struct span){report.data, report.len}, &verdict);
	cr_expect_eq(verdict.reason_counts[VERDICT_EVENT_CHAIN], 998);
	cr_expect_str_eq(verdict.faults.items[0].path, "events[1].hashSelf");
	cr_expect_lt(verdict.faults.count, 16);
	buf_release(&stream);
	buf_release(&report);
}

static const struct {
	const char *text;
	enum verdict_check refused;
} strangers[] = {
	{"null", VERDICT_SCHEMA},
	{"{}", VERDICT_SCHEMA},
	{"[]", VERDICT_SCHEMA},
	{"{\"events\":{}}", VERDICT_SCHEMA},
	{"{\"events\":[null]}", VERDICT_SCHEMA},
	{"{\"events\":[{\"hashPrev\":1}]}", VERDICT_SCHEMA},
	{"{\"events\":[[],{},\"\",0,true]}", VERDICT_SCHEMA},
	{"{\"integrity\":null}", VERDICT_SCHEMA},
	{"{\"integrity\":{\"digest\":\"\"}}", VERDICT_SCHEMA},
	{"", VERDICT_CANONICAL},
	{" {}", VERDICT_CANONICAL},
};

Test(verify_check, strangers)
{
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		struct verdict verdict = {0};

		check_report((struct span){strangers[i].text, strlen(strangers[i].text)}, &verdict);
		cr_expect_eq(verdict.states[strangers[i].refused], VERDICT_REFUSED, "%s",
			     strangers[i].text);
		cr_expect(!verdict_valid(&verdict));
	}
}

/* Lines of events cut at every byte: incomplete or invalid, never valid, never read past. */
Test(verify_check, event_lines_cut_anywhere)
{
	struct buf report, lines;
	struct span events, event;
	struct span_walk walk;

	make_report(&report);
	buf_init(&lines, EVIDENCE_MAX);
	cr_assert(span_member((struct span){report.data, report.len}, "events", &events));
	cr_assert(span_walk_array(events, &walk));
	while (span_next_element(&walk, &event)) {
		buf_append(&lines, event.at, event.len);
		buf_append(&lines, "\n", 1);
	}
	for (size_t len = 0; len <= lines.len; len++) {
		struct verdict verdict = {0};
		char *cut = malloc(len > 0 ? len : 1);

		memcpy(cut, lines.data, len);
		check_event_lines((struct span){cut, len}, &verdict);
		cr_assert(!verdict_valid(&verdict));
		cr_assert_eq(verdict.states[VERDICT_COMPLETE], VERDICT_REFUSED);
		cr_assert_neq(verdict.states[VERDICT_EVENT_CHAIN], VERDICT_REFUSED, "%zu", len);
		free(cut);
	}
	buf_release(&report);
	buf_release(&lines);
}
