/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive whose writer is killed, or whose disk is full, at each call it makes: what was
 * archived before stays, what is answered is true, and the next writer finds nothing in its way.
 */
#include "tests/support/shelf.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAULT_AT_MAX 400
#define DIED	     99
#define WORDS(...)                                                                                 \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

static size_t count_listed(const struct shelf *shelf)
{
	struct child_result result;
	size_t count = 0;

	shelf_run(shelf, WORDS("list"), &result);
	cr_assert_eq(result.status, 0, "%s%s", result.out, result.err);
	for (const char *at = result.out; (at = strstr(at, "\"bundleId\"")) != NULL; at++)
		count++;
	cr_assert_null(strstr(result.out, "\"missing\""), "%s", result.out);
	child_release(&result);
	return count;
}

/* Whole, or whole but for a checkpoint over the last leaf. */
static void expect_sound(const struct shelf *shelf, long at)
{
	struct child_result result;

	shelf_verify(shelf, NULL, &result);
	cr_expect(result.status == 0 || strstr(result.out, "\"result\":\"incomplete\"") != NULL,
		  "call %ld: %s%s", at, result.out, result.err);
	child_release(&result);
}

static void expect_valid(const struct shelf *shelf, const char *since, long at)
{
	struct child_result result;

	shelf_verify(shelf, since, &result);
	cr_expect_eq(result.status, 0, "call %ld: %s%s", at, result.out, result.err);
	child_release(&result);
}

static void copy_archive(const struct shelf *from, const struct shelf *to)
{
	const char *argv[] = {"/bin/cp", "-a", NULL, to->directory, NULL};
	struct child_result result;

	argv[2] = from->archive;
	child_run(argv, NULL, 0, NULL, &result);
	cr_assert_eq(result.status, 0, "%s", result.err);
	child_release(&result);
}

/* One more report, with the k-th call failing, or being the last. True once k is past the end. */
static bool add_with_fault(const struct shelf *shelf, const struct buf *report, long at, bool dies)
{
	struct child_result result;
	char fault[32];
	const char *env[] = {fault, dies ? "FAULT_DIE=1" : NULL, NULL};
	bool finished;

	snprintf(fault, sizeof(fault), "FAULT_AT=%ld", at);
	shelf_add(shelf, child_helper("sr-archive-faulty"), env, report, NULL, &result);
	finished = result.status == 0;
	if (dies)
		cr_expect(finished || result.status == DIED, "call %ld: %d %s%s", at, result.status,
			  result.out, result.err);
	else
		cr_expect(finished ||
				  (result.status == 1 && strstr(result.out, "SR-OPS-301") != NULL),
			  "call %ld: %d %s%s", at, result.status, result.out, result.err);
	child_release(&result);
	return finished;
}

static void add_again(const struct shelf *shelf, const struct buf *report, long at)
{
	struct child_result result;

	shelf_add(shelf, "sr-archive", NULL, report, NULL, &result);
	cr_expect_eq(result.status, 0, "call %ld: %s%s", at, result.out, result.err);
	child_release(&result);
}

/* start: how many leaves there are before. finished ends the loop only when nothing was left to
 * hit. */
static void each_call(unsigned int start, bool dies)
{
	struct shelf base, shelf;
	struct buf report;
	long at = 1, in_a_row = 0;

	shelf_open(&base);
	if (start > 0)
		shelf_fill(&base, 0, start);
	shelf_report(77, 2, &report);
	/* A failure that does no harm (of close, of the index) still ends in an answer. */
	for (; in_a_row < 25 && at < FAULT_AT_MAX; at++) {
		size_t listed;
		bool finished;

		shelf_open(&shelf);
		copy_archive(&base, &shelf);
		finished = add_with_fault(&shelf, &report, at, dies);
		in_a_row = finished ? in_a_row + 1 : 0;
		if (start > 0) {
			listed = count_listed(&shelf);
			cr_expect(listed == start + 1 || (!finished && listed == start),
				  "call %ld: %zu leaves", at, listed);
			expect_sound(&shelf, at);
		}
		add_again(&shelf, &report, at);
		cr_expect_eq(count_listed(&shelf), start + 1, "call %ld", at);
		expect_valid(&shelf, NULL, at);
		shelf_close(&shelf);
	}
	cr_expect_gt(at, 50, "the program makes more calls than that");
	cr_expect_lt(at, FAULT_AT_MAX, "the program never finished");
	buf_release(&report);
	shelf_close(&base);
}

Test(archive_faults, killed_at_each_call, .timeout = 600)
{
	each_call(3, true);
}

Test(archive_faults, killed_at_each_call_of_the_first, .timeout = 600)
{
	each_call(0, true);
}

Test(archive_faults, full_disk_at_each_call, .timeout = 600)
{
	each_call(3, false);
}

#define DAY 86400L

static void run_later(const struct shelf *shelf, long days, long at, const char *action,
		      struct child_result *result)
{
	char later[48], fault[32];
	const char *env[] = {later, fault, "FAULT_DIE=1", NULL};
	const char *argv[] = {child_helper("sr-archive-faulty"), "--archive", shelf->archive,
			      action, NULL};
	struct child_options options = {.env = env};

	snprintf(later, sizeof(later), "FAULT_LATER=%ld", days * DAY);
	snprintf(fault, sizeof(fault), "FAULT_AT=%ld", at);
	child_run(argv, NULL, 0, &options, result);
}

/* Leaf 0 for 10 days, leaf 1 for ever, leaf 2 for 10 days. */
static void fill_for_ten_days(const struct shelf *shelf)
{
	for (unsigned int i = 0; i < 3; i++) {
		struct child_result result;
		struct buf report;

		shelf_report(i, 2, &report);
		shelf_add(shelf, "sr-archive", NULL, &report, i == 1 ? NULL : "10d", &result);
		cr_assert_eq(result.status, 0, "%s", result.out);
		child_release(&result);
		buf_release(&report);
	}
}

static size_t count_state(const struct shelf *shelf, long days, const char *state)
{
	struct child_result result;
	char quoted[32];
	size_t count = 0;

	snprintf(quoted, sizeof(quoted), "\"state\":\"%s\"}", state);
	run_later(shelf, days, 0, "list", &result);
	for (const char *at = result.out; (at = strstr(at, quoted)) != NULL; at++)
		count++;
	child_release(&result);
	return count;
}

Test(archive_faults, pruned_when_its_time_has_come)
{
	struct child_result result;
	struct shelf shelf;

	shelf_open(&shelf);
	fill_for_ten_days(&shelf);
	run_later(&shelf, 9, 0, "prune", &result);
	cr_expect(strstr(result.out, "\"bodies\":0,\"bundles\":0") != NULL, "%s", result.out);
	child_release(&result);
	cr_expect_eq(count_state(&shelf, 9, "present"), 3);
	run_later(&shelf, 11, 0, "prune", &result);
	cr_expect(strstr(result.out, "\"bodies\":2,\"bundles\":2") != NULL, "%s", result.out);
	child_release(&result);
	cr_expect_eq(count_state(&shelf, 11, "expired"), 2);
	cr_expect_eq(count_state(&shelf, 11, "present"), 1);
	cr_expect_eq(count_state(&shelf, 11, "present") + count_state(&shelf, 11, "expired"), 3,
		     "leaves stay");
	run_later(&shelf, 11, 0, "prune", &result);
	cr_expect(strstr(result.out, "\"bundles\":0") != NULL, "%s", result.out);
	child_release(&result);
	run_later(&shelf, 11, 0, "verify", &result);
	cr_expect_eq(result.status, 0, "%s", result.out);
	child_release(&result);
	/* To whoever's clock says that their time has not come, they are missing. */
	shelf_verify(&shelf, NULL, &result);
	cr_expect_eq(result.status, 1);
	cr_expect(strstr(result.out, "missing before its time") != NULL, "%s", result.out);
	cr_expect(strstr(result.out, "pruned before its time") == NULL, "%s", result.out);
	child_release(&result);
	shelf_close(&shelf);
}

/* What was pruned does not come back under the old leaf, and gets no second one. */
Test(archive_faults, a_pruned_bundle_is_not_taken_again)
{
	struct child_result result;
	struct shelf shelf;
	struct buf report;
	const char *env[] = {"FAULT_LATER=950400", NULL};

	shelf_open(&shelf);
	fill_for_ten_days(&shelf);
	run_later(&shelf, 11, 0, "prune", &result);
	child_release(&result);
	shelf_report(0, 2, &report);
	shelf_add(&shelf, child_helper("sr-archive-faulty"), env, &report, NULL, &result);
	cr_expect_eq(result.status, 1);
	cr_expect(strstr(result.out, "its time has passed") != NULL, "%s", result.out);
	child_release(&result);
	buf_release(&report);
	shelf_close(&shelf);
}

Test(archive_faults, prune_killed_at_each_call, .timeout = 600)
{
	struct child_result result;
	struct shelf base, shelf;
	bool finished = false;
	long at = 1;

	shelf_open(&base);
	fill_for_ten_days(&base);
	for (; !finished && at < FAULT_AT_MAX; at++) {
		shelf_open(&shelf);
		copy_archive(&base, &shelf);
		run_later(&shelf, 11, at, "prune", &result);
		finished = result.status == 0;
		cr_expect(finished || result.status == DIED, "call %ld: %s%s", at, result.out,
			  result.err);
		child_release(&result);
		run_later(&shelf, 11, 0, "verify", &result);
		cr_expect_eq(result.status, 0, "call %ld: %s", at, result.out);
		child_release(&result);
		run_later(&shelf, 11, 0, "prune", &result);
		cr_expect_eq(result.status, 0, "call %ld: %s", at, result.out);
		child_release(&result);
		cr_expect_eq(count_state(&shelf, 11, "present"), 1, "call %ld", at);
		run_later(&shelf, 11, 0, "verify", &result);
		cr_expect_eq(result.status, 0, "call %ld: %s", at, result.out);
		child_release(&result);
		shelf_close(&shelf);
	}
	cr_expect(finished);
	cr_expect_gt(at, 20);
	shelf_close(&base);
}
