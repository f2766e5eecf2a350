/* SPDX-License-Identifier: Apache-2.0 */
/* sr-prove as it is: a proof made, checked, held against what it is about. */
#include "tests/support/child.h"
#include "tests/support/evidence.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
	char *directory;
	char report[600], other[600], proof[600];
};

static void put_report(const char *path, size_t events)
{
	struct buf stream BUF_CLEANUP, report BUF_CLEANUP;

	buf_init(&stream, EVIDENCE_MAX);
	buf_init(&report, EVIDENCE_MAX);
	evidence_failed(&stream, events);
	evidence_seal(&stream, &report);
	child_write_file(path, report.data, report.len);
}

static void run(const char *const words[], struct child_result *result)
{
	const char *argv[16] = {"sr-prove"};

	for (size_t i = 0; words[i] != NULL; i++)
		argv[1 + i] = words[i];
	child_run(argv, NULL, 0, NULL, result);
}

#define WORDS(...)                                                                                 \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

static void place_open(struct place *place)
{
	struct child_result result;

	place->directory = child_make_dir("prove");
	snprintf(place->report, sizeof(place->report), "%s/report", place->directory);
	snprintf(place->other, sizeof(place->other), "%s/other", place->directory);
	snprintf(place->proof, sizeof(place->proof), "%s/proof", place->directory);
	put_report(place->report, 5);
	put_report(place->other, 6);
	run(WORDS("--event", "3", place->report), &result);
	cr_assert_eq(result.status, 0, "%s%s", result.out, result.err);
	child_write_file(place->proof, result.out, result.out_len);
	child_release(&result);
}

static void place_close(struct place *place)
{
	child_remove_dir(place->directory);
	free(place->directory);
}

static void expect(const char *const words[], int status, const char *said)
{
	struct child_result result;

	run(words, &result);
	cr_expect_eq(result.status, status, "%s: %s%s", words[0], result.out, result.err);
	cr_expect(strstr(result.out, said) != NULL, "%s in %s", said, result.out);
	child_release(&result);
}

Test(stage_prove, a_proof_and_what_it_is_held_against)
{
	struct place place;

	place_open(&place);
	expect(WORDS(place.proof), 0, "\"trust\":\"self\"");
	expect(WORDS(place.proof), 0, "that the root is any run's");
	expect(WORDS(place.proof), 0, "\"seq\":\"3\"");
	expect(WORDS("--report", place.report, place.proof), 0, "\"name\":\"report\",\"ok\":true");
	expect(WORDS("--report", place.other, place.proof), 1, "another report of this run");
	expect(WORDS("--root", "sha256:00", place.proof), 1, "\"name\":\"root\",\"ok\":false");
	expect(WORDS(place.report), 1, "SR-EVD-301");
	place_close(&place);
}

Test(stage_prove, what_is_refused)
{
	struct place place;
	char path[700];

	place_open(&place);
	expect(WORDS("--event", "5", place.report), 1, "events 0 to 4");
	expect(WORDS("--event", "0", "/dev/null"), 1, "errors");
	expect(WORDS("--event", "0", place.proof), 1, "errors");
	snprintf(path, sizeof(path), "%s/link", place.directory);
	cr_assert_eq(symlink(place.report, path), 0);
	expect(WORDS("--event", "0", path), 1, "link");
	expect(WORDS("--report", path, place.proof), 1, "link");
	snprintf(path, sizeof(path), "%s/fifo", place.directory);
	cr_assert_eq(mkfifo(path, 0600), 0);
	expect(WORDS(path), 1, "not a regular file");
	expect(WORDS("--event", "x", place.report), 2, "");
	expect(WORDS("--event", "1", "--root", "x", place.report), 2, "");
	place_close(&place);
}
