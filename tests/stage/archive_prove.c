/* SPDX-License-Identifier: Apache-2.0 */
/* sr-archive's log proofs, and sr-verify with them, as the programs they are. */
#include "tests/support/shelf.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORDS(...)                                                                                 \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}
#define RUN(n) "sr-20260101-000000-0000000" #n

static void write_beside(const struct shelf *shelf, const char *name, const char *data, size_t len,
			 char path[700])
{
	snprintf(path, 700, "%s/%s", shelf->directory, name);
	child_write_file(path, data, len);
}

static void prove(const struct shelf *shelf, const char *id, const char *name, char path[700])
{
	struct child_result result;

	shelf_run(shelf, WORDS("prove", id), &result);
	cr_assert_eq(result.status, 0, "%s%s", result.out, result.err);
	write_beside(shelf, name, result.out, result.out_len, path);
	child_release(&result);
}

static void put_report(const struct shelf *shelf, unsigned int number, char path[700])
{
	char name[32];
	struct buf report;

	snprintf(name, sizeof(name), "report-%u.json", number);
	shelf_report(number, 2, &report);
	write_beside(shelf, name, report.data, report.len, path);
	buf_release(&report);
}

static void expect(const char *const words[], int status, const char *said)
{
	const char *argv[16] = {"sr-verify"};
	struct child_result result;

	for (size_t i = 0; words[i] != NULL; i++)
		argv[1 + i] = words[i];
	child_run(argv, NULL, 0, NULL, &result);
	cr_expect_eq(result.status, status, "%s%s", result.out, result.err);
	cr_expect(strstr(result.out, said) != NULL || strstr(result.err, said) != NULL,
		  "%s in %s%s", said, result.out, result.err);
	child_release(&result);
}

static void expect_refused(const struct shelf *shelf, const char *const words[], const char *said)
{
	struct child_result result;

	shelf_run(shelf, words, &result);
	cr_expect_eq(result.status, 1, "%s%s", result.out, result.err);
	cr_expect(strstr(result.out, said) != NULL, "%s in %s", said, result.out);
	child_release(&result);
}

/* Each leaf's proof holds for its report alone, and goes on holding when the archive has grown. */
Test(stage_archive_prove, each_proof_is_of_one_report)
{
	char proofs[3][700], reports[3][700], newer[700];
	static const char *const ids[] = {RUN(0), RUN(1), RUN(2)};
	struct shelf shelf;

	shelf_open(&shelf);
	shelf_fill(&shelf, 0, 3);
	for (unsigned int i = 0; i < 3; i++) {
		char name[32];

		snprintf(name, sizeof(name), "log-%u.json", i);
		prove(&shelf, ids[i], name, proofs[i]);
		put_report(&shelf, i, reports[i]);
	}
	shelf_fill(&shelf, 3, 2);
	prove(&shelf, ids[0], "newer.json", newer);
	for (size_t proof = 0; proof < 3; proof++)
		for (size_t report = 0; report < 3; report++)
			expect(WORDS("--require", "self", "--log", proofs[proof], "--archive-key",
				     shelf.public_key, reports[report]),
			       proof == report ? 0 : 1,
			       proof == report ? "{\"name\":\"log\",\"ok\":true}"
					       : "log.leaf.report");
	expect(WORDS("--require", "self", "--log", newer, "--archive-key", shelf.public_key,
		     reports[0]),
	       0, "\"valid\":true");
	expect(WORDS("--log", proofs[0], "--archive-key", shelf.public_key, reports[0]), 1,
	       "there is no bundle");
	expect(WORDS("--require", "self", "--log", proofs[0], "--archive-key", shelf.other_public,
		     reports[0]),
	       1, "no key that is trusted here for the purpose 'archive'");
	expect(WORDS("--require", "logged", reports[0]), 1, "no log proof was given");
	expect(WORDS("--archive-key", shelf.public_key, reports[0]), 2, "give --log");
	expect(WORDS("--log", "/nowhere", reports[0]), 1, "cannot open '/nowhere'");
	shelf_close(&shelf);
}

Test(stage_archive_prove, what_is_not_proved)
{
	struct child_result result;
	struct shelf shelf;
	char *leaves;
	size_t len;

	shelf_open(&shelf);
	shelf_fill(&shelf, 0, 3);
	expect_refused(&shelf, WORDS("prove", RUN(9)), "holds nothing of the name");
	expect_refused(&shelf, WORDS("prove", "../x"), "neither a bundle id");
	shelf_run(&shelf, WORDS("prove"), &result);
	cr_expect_eq(result.status, 2);
	child_release(&result);
	leaves = child_read_file(shelf_path(&shelf, "leaves.jsonl"), &len);
	cr_assert_not_null(leaves);
	/* Another leaf was changed: no path from this one leads to the root. */
	*strstr(leaves, "forever") = 'F';
	child_write_file(shelf_path(&shelf, "leaves.jsonl"), leaves, len);
	expect_refused(&shelf, WORDS("prove", RUN(1)), "not the 3 leaves of the checkpoint");
	cr_expect_eq(unlink(shelf_path(&shelf, "checkpoint")), 0);
	expect_refused(&shelf, WORDS("prove", RUN(1)), "there is none yet");
	free(leaves);
	shelf_close(&shelf);
}

/* A leaf whose checkpoint a crash has cut off. */
Test(stage_archive_prove, a_leaf_that_no_checkpoint_covers)
{
	struct shelf shelf;
	char *checkpoint;
	size_t len;

	shelf_open(&shelf);
	shelf_fill(&shelf, 0, 2);
	checkpoint = child_read_file(shelf_path(&shelf, "checkpoint"), &len);
	cr_assert_not_null(checkpoint);
	shelf_fill(&shelf, 2, 1);
	child_write_file(shelf_path(&shelf, "checkpoint"), checkpoint, len);
	expect_refused(&shelf, WORDS("prove", RUN(2)), "archive checkpoint --key");
	free(checkpoint);
	shelf_close(&shelf);
}

/* archive verify with keys from a directory: only those of the purpose count. */
Test(stage_archive_prove, verify_takes_keys_from_a_directory)
{
	static const struct {
		const char *purpose;
		bool other;
		int status;
		const char *said;
	} rows[] = {
		{NULL, false, 1, "no key that is trusted here"},
		{"archive", true, 1, "no key that is trusted here"},
		{"archive", false, 0, "\"trust\":\"signed\""},
	};
	struct shelf shelf;

	shelf_open(&shelf);
	shelf_fill(&shelf, 0, 2);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char trust[700];
		struct child_result result;

		snprintf(trust, sizeof(trust), "%s/trust-%zu", shelf.directory, i);
		if (rows[i].purpose != NULL) {
			const char *argv[] = {"safe-run",
					      "key",
					      "trust",
					      "--trust-dir",
					      trust,
					      "--purpose",
					      rows[i].purpose,
					      rows[i].other ? shelf.other_public : shelf.public_key,
					      NULL};

			child_run(argv, NULL, 0, NULL, &result);
			cr_assert_eq(result.status, 0, "%s", result.err);
			child_release(&result);
		} else {
			cr_assert_eq(mkdir(trust, 0700), 0);
		}
		shelf_run(&shelf, WORDS("--trust-dir", trust, "verify"), &result);
		cr_expect_eq(result.status, rows[i].status, "%s%s", result.out, result.err);
		cr_expect(strstr(result.out, rows[i].said) != NULL, "%s", result.out);
		child_release(&result);
	}
	shelf_close(&shelf);
}
