/* SPDX-License-Identifier: Apache-2.0 */
/* sr-archive as it is: what it takes, finds, keeps and signs, and what it refuses. */
#include "tests/support/shelf.h"

#include <criterion/criterion.h>
#include <fcntl.h>
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

static void expect(const struct shelf *shelf, const char *const words[], int status,
		   const char *said)
{
	struct child_result result;

	shelf_run(shelf, words, &result);
	cr_expect_eq(result.status, status, "%s %s: %s%s", words[0], words[1] ? words[1] : "",
		     result.out, result.err);
	cr_expect(strstr(result.out, said) != NULL, "%s in %s", said, result.out);
	child_release(&result);
}

static void expect_verified(const struct shelf *shelf, const char *since)
{
	struct child_result result;

	shelf_verify(shelf, since, &result);
	cr_expect_eq(result.status, 0, "%s%s", result.out, result.err);
	cr_expect(strstr(result.out, "\"trust\":\"signed\"") != NULL);
	child_release(&result);
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		count++;
	return count;
}

static size_t count_leaves(const struct shelf *shelf)
{
	char *text = child_read_file(shelf_path(shelf, "leaves.jsonl"), NULL);
	size_t count = text == NULL ? 0 : count_lines(text);

	free(text);
	return count;
}

Test(stage_archive, by_run_and_by_bundle)
{
	struct shelf shelf;
	struct child_result result;
	struct buf report;
	char *id;

	shelf_open(&shelf);
	shelf_fill(&shelf, 0, 3);
	shelf_report(7, 4, &report);
	shelf_add(&shelf, "sr-archive", NULL, &report, "180d", &result);
	cr_assert_eq(result.status, 0, "%s", result.out);
	cr_expect(strstr(result.out, "\"added\":true") != NULL);
	cr_expect(strstr(result.out, "\"retention\":\"180d\"") != NULL);
	cr_expect(strstr(result.out, "\"index\":3") != NULL);
	id = strstr(result.out, "sb-");
	cr_assert_not_null(id);
	id[67] = '\0';
	expect(&shelf, WORDS("find", id), 0, "sr-20260101-000000-00000007");
	expect(&shelf, WORDS("show", id), 0, "\"state\":\"present\"");
	expect(&shelf, WORDS("find", "sr-20260101-000000-00000001"), 0, "\"index\":1");
	expect(&shelf, WORDS("find", "sr-20260101-000000-99999999"), 1, "SR-OPS-301");
	child_release(&result);
	shelf_run(&shelf, WORDS("list"), &result);
	cr_expect_eq(count_lines(result.out), 4);
	child_release(&result);
	shelf_run(&shelf, WORDS("--first", "1", "--limit", "2", "list"), &result);
	cr_expect_eq(count_lines(result.out), 2);
	cr_expect(strstr(result.out, "\"index\":1") != NULL);
	child_release(&result);
	expect_verified(&shelf, NULL);
	buf_release(&report);
	shelf_close(&shelf);
}

/* Names that are neither reach no file and no query. */
Test(stage_archive, names_that_are_none)
{
	static const char *const names[] = {
		"../x",
		"sb-../../../../../../../../../../../../../../../../../../../../../etc/passwd",
		"",
		"a/b",
		"sb-0",
		"sb-A000000000000000000000000000000000000000000000000000000000000000",
		"sb-00000000000000000000000000000000000000000000000000000000000000000",
		"x' OR '1'='1",
		"-run",
	};
	struct shelf shelf;

	shelf_open(&shelf);
	shelf_fill(&shelf, 0, 1);
	for (size_t i = 0; i < COUNT(names); i++) {
		struct child_result result;

		shelf_run(&shelf, WORDS("--", "find", names[i]), &result);
		cr_expect_eq(result.status, 1, "%s: %s", names[i], result.out);
		cr_expect(strstr(result.out, "\"path\":\"id\"") != NULL ||
				  strstr(result.out, "holds nothing") != NULL,
			  "%s", result.out);
		child_release(&result);
	}
	shelf_close(&shelf);
}

Test(stage_archive, the_same_bundle_is_archived_once)
{
	struct child_result result;
	struct shelf shelf;
	struct buf report;

	shelf_open(&shelf);
	shelf_fill(&shelf, 0, 2);
	shelf_report(0, 2, &report);
	shelf_add(&shelf, "sr-archive", NULL, &report, "1h", &result);
	cr_expect_eq(result.status, 0, "%s", result.out);
	cr_expect(strstr(result.out, "\"added\":false") != NULL);
	cr_expect(strstr(result.out, "\"index\":0") != NULL);
	cr_expect(strstr(result.out, "\"retention\":\"forever\"") != NULL, "the first word stands");
	cr_expect_eq(count_leaves(&shelf), 2);
	expect_verified(&shelf, NULL);
	child_release(&result);
	buf_release(&report);
	shelf_close(&shelf);
}

/* Reports of one run that differ are both kept: that there are two is what somebody must see. */
Test(stage_archive, two_reports_of_one_run)
{
	struct child_result result;
	struct shelf shelf;
	struct buf report;

	shelf_open(&shelf);
	for (size_t events = 2; events < 4; events++) {
		shelf_report(5, events, &report);
		shelf_add(&shelf, "sr-archive", NULL, &report, NULL, &result);
		cr_expect_eq(result.status, 0, "%s", result.out);
		child_release(&result);
		buf_release(&report);
	}
	shelf_run(&shelf, WORDS("find", "sr-20260101-000000-00000005"), &result);
	cr_expect_eq(count_lines(result.out), 2);
	child_release(&result);
	shelf_close(&shelf);
}

Test(stage_archive, what_is_not_valid_is_not_archived)
{
	static const struct {
		const char *find, *replace;
	} edits[] = {
		{"\"exitCode\":127", "\"exitCode\":126"},
		{"\"state\":\"failed\"", "\"state\":\"finished\""},
		{",\"errors\":", ", \"errors\":"},
	};
	struct shelf shelf;

	shelf_open(&shelf);
	shelf_fill(&shelf, 0, 1);
	for (size_t i = 0; i < COUNT(edits); i++) {
		struct child_result result;
		struct buf report;
		char *at;

		shelf_report(9, 3, &report);
		buf_append(&report, "", 1);
		at = strstr(report.data, edits[i].find);
		cr_assert_not_null(at, "%s", edits[i].find);
		report.len--;
		memcpy(at, edits[i].replace, strlen(edits[i].replace));
		shelf_add(&shelf, "sr-archive", NULL, &report, NULL, &result);
		cr_expect_eq(result.status, 1, "%s", result.out);
		cr_expect(strstr(result.out, "SR-OPS-301") != NULL, "%s", result.out);
		child_release(&result);
		buf_release(&report);
	}
	cr_expect_eq(count_leaves(&shelf), 1);
	expect_verified(&shelf, NULL);
	shelf_close(&shelf);
}

/* Memory that could change between the verifier's look and the archive's is not taken. */
Test(stage_archive, a_report_that_could_change)
{
	struct shelf shelf;
	struct buf report;
	char *path;
	char numbers[3][16];
	int report_fd, verdict_fd, key_fd;
	struct child_result result;

	shelf_open(&shelf);
	shelf_report(0, 2, &report);
	path = strdup(shelf_path(&shelf, "../report"));
	child_write_file(path, report.data, report.len);
	report_fd = open(path, O_RDONLY);
	verdict_fd = open("/dev/null", O_RDONLY);
	key_fd = open(shelf.key, O_RDONLY);
	snprintf(numbers[0], sizeof(numbers[0]), "%d", report_fd);
	snprintf(numbers[1], sizeof(numbers[1]), "%d", verdict_fd);
	snprintf(numbers[2], sizeof(numbers[2]), "%d", key_fd);
	{
		const char *argv[] = {"sr-archive", "--archive",    shelf.archive, "--report-fd",
				      numbers[0],   "--verdict-fd", numbers[1],	   "--key-fd",
				      numbers[2],   "add",	    NULL};
		struct child_options options = {.keep_fds = {report_fd, verdict_fd, key_fd}};

		child_run(argv, NULL, 0, &options, &result);
	}
	cr_expect_eq(result.status, 1, "%s%s", result.out, result.err);
	cr_expect(strstr(result.out, "sealed memory") != NULL, "%s", result.out);
	child_release(&result);
	close(report_fd);
	close(verdict_fd);
	close(key_fd);
	free(path);
	buf_release(&report);
	shelf_close(&shelf);
}

/* 1, 2, 2^k and their neighbours: from each size the archive has grown to each later one. */
Test(stage_archive, grows_from_every_size)
{
	enum { SIZE = 9 };
	struct shelf shelf;
	char older[SIZE][700];

	shelf_open(&shelf);
	for (unsigned int i = 0; i < SIZE; i++) {
		size_t len;
		char *note;

		shelf_fill(&shelf, i, 1);
		note = child_read_file(shelf_path(&shelf, "checkpoint"), &len);
		cr_assert_not_null(note);
		snprintf(older[i], sizeof(older[i]), "%s/older-%u", shelf.directory, i);
		child_write_file(older[i], note, len);
		free(note);
		for (unsigned int k = 0; k <= i; k++)
			expect_verified(&shelf, older[k]);
	}
	shelf_close(&shelf);
}

static void expect_index_answers(const struct shelf *shelf)
{
	expect(shelf, WORDS("find", "sr-20260101-000000-00000002"), 0, "\"index\":2");
	expect(shelf, WORDS("find", "sr-20260101-000000-00000004"), 0, "\"index\":4");
}

static void copy_file(const char *from, const char *to)
{
	size_t len;
	char *text = child_read_file(from, &len);

	cr_assert_not_null(text, "%s", from);
	child_write_file(to, text, len);
	free(text);
}

static void remove_index(const struct shelf *shelf)
{
	unlink(shelf_path(shelf, "index.db"));
	unlink(shelf_path(shelf, "index.db-wal"));
	unlink(shelf_path(shelf, "index.db-shm"));
}

/* Missing, empty, garbage, cut, behind, ahead, of another archive: made anew from the leaves. */
Test(stage_archive, index_is_rebuilt)
{
	struct shelf shelf, other;
	char kept[700], garbage[8192];
	struct stat status;

	shelf_open(&shelf);
	shelf_fill(&shelf, 0, 3);
	snprintf(kept, sizeof(kept), "%s/index", shelf.directory);
	copy_file(shelf_path(&shelf, "index.db"), kept);
	shelf_fill(&shelf, 3, 3);
	remove_index(&shelf);
	copy_file(kept, shelf_path(&shelf, "index.db")); /* behind */
	expect_index_answers(&shelf);
	remove_index(&shelf);
	expect_index_answers(&shelf);
	remove_index(&shelf);
	child_write_file(shelf_path(&shelf, "index.db"), "", 0);
	expect_index_answers(&shelf);
	memset(garbage, 'x', sizeof(garbage));
	remove_index(&shelf);
	child_write_file(shelf_path(&shelf, "index.db"), garbage, sizeof(garbage));
	expect_index_answers(&shelf);
	cr_assert_eq(stat(shelf_path(&shelf, "index.db"), &status), 0);
	cr_assert_eq(truncate(shelf_path(&shelf, "index.db"), status.st_size / 2), 0);
	expect_index_answers(&shelf);
	shelf_open(&other);
	shelf_fill(&other, 100, 6);
	remove_index(&shelf);
	copy_file(shelf_path(&other, "index.db"), shelf_path(&shelf, "index.db"));
	shelf_fill(&shelf, 6, 1);
	expect(&shelf, WORDS("reindex"), 0, "\"leaves\":7");
	expect_index_answers(&shelf);
	expect_verified(&shelf, NULL);
	shelf_close(&other);
	shelf_close(&shelf);
}

/* Another archive's index of the same length leads to leaves that are not the ones asked for. */
Test(stage_archive, index_that_lies)
{
	struct shelf shelf, other;

	shelf_open(&shelf);
	shelf_open(&other);
	shelf_fill(&shelf, 0, 5);
	shelf_fill(&other, 1, 5);
	remove_index(&shelf);
	copy_file(shelf_path(&other, "index.db"), shelf_path(&shelf, "index.db"));
	expect_index_answers(&shelf);
	shelf_close(&other);
	shelf_close(&shelf);
}

/*
 * One that says it has seen every leaf and knows none: what is there is found, listed, and not
 * archived once more, which no later act could take back.
 */
Test(stage_archive, index_that_says_nothing)
{
	struct child_result result;
	struct shelf shelf, other;
	struct buf report;

	shelf_open(&shelf);
	shelf_open(&other);
	shelf_fill(&shelf, 0, 5);
	shelf_fill(&other, 100, 5);
	for (size_t i = 0; i < 3; i++) {
		remove_index(&shelf);
		copy_file(shelf_path(&other, "index.db"), shelf_path(&shelf, "index.db"));
		switch (i) {
		case 0:
			expect_index_answers(&shelf);
			break;
		case 1:
			expect(&shelf, WORDS("--first", "4", "list"), 0, "\"index\":4");
			break;
		case 2:
			shelf_report(1, 2, &report);
			shelf_add(&shelf, "sr-archive", NULL, &report, NULL, &result);
			cr_expect(strstr(result.out, "\"added\":false") != NULL, "%s", result.out);
			child_release(&result);
			buf_release(&report);
			break;
		}
	}
	cr_expect_eq(count_leaves(&shelf), 5);
	expect_verified(&shelf, NULL);
	shelf_close(&other);
	shelf_close(&shelf);
}

/* A key that seals reports signs no archive, one of another curve neither, nor a stranger's. */
Test(stage_archive, keys_of_another_purpose)
{
	struct shelf shelf;
	char numbers[16];
	const char *keys[2];

	shelf_open(&shelf);
	shelf_fill(&shelf, 0, 1);
	keys[0] = shelf.seal_key;
	keys[1] = shelf.other_key;
	for (size_t i = 0; i < COUNT(keys); i++) {
		int fd = open(keys[i], O_RDONLY);
		const char *argv[] = {"sr-archive", "--archive",  shelf.archive, "--key-fd",
				      numbers,	    "checkpoint", NULL};
		struct child_options options = {.keep_fds = {fd}};
		struct child_result result;

		snprintf(numbers, sizeof(numbers), "%d", fd);
		child_run(argv, NULL, 0, &options, &result);
		cr_expect_eq(result.status, 1, "%s", result.out);
		cr_expect(strstr(result.out, i == 0 ? "seals reports" : "another key") != NULL,
			  "%s", result.out);
		child_release(&result);
		close(fd);
	}
	expect_verified(&shelf, NULL);
	shelf_close(&shelf);
}

/* The key changes hands: the new one signs on top of what the old one signed, when told so. */
Test(stage_archive, a_new_key)
{
	struct shelf shelf;
	char number[16];
	int fd;
	struct child_result result;

	shelf_open(&shelf);
	shelf_fill(&shelf, 0, 2);
	fd = open(shelf.other_key, O_RDONLY);
	snprintf(number, sizeof(number), "%d", fd);
	{
		const char *argv[] = {"sr-archive",	"--archive",  shelf.archive,
				      "--key-fd",	number,	      "--key",
				      shelf.public_key, "checkpoint", NULL};
		struct child_options options = {.keep_fds = {fd}};

		child_run(argv, NULL, 0, &options, &result);
	}
	cr_expect_eq(result.status, 0, "%s", result.out);
	child_release(&result);
	close(fd);
	expect(&shelf, WORDS("--key", shelf.other_public, "verify"), 0, "\"trust\":\"signed\"");
	expect(&shelf, WORDS("--key", shelf.public_key, "verify"), 1, "another key");
	shelf_close(&shelf);
}

Test(stage_archive, directories_that_are_no_archive)
{
	struct child_result result;
	struct shelf shelf;
	struct buf report;

	shelf_open(&shelf);
	expect(&shelf, WORDS("list"), 1, "there is no archive here");
	expect(&shelf, WORDS("verify"), 1, "there is no archive here");
	child_write_file(shelf_path(&shelf, "something"), "x", 1);
	shelf_report(0, 2, &report);
	shelf_add(&shelf, "sr-archive", NULL, &report, NULL, &result);
	cr_expect_eq(result.status, 1);
	cr_expect(strstr(result.out, "holds other things") != NULL, "%s", result.out);
	child_release(&result);
	cr_assert_eq(unlink(shelf_path(&shelf, "something")), 0);
	cr_assert_eq(chmod(shelf.archive, 0777), 0);
	shelf_add(&shelf, "sr-archive", NULL, &report, NULL, &result);
	cr_expect_eq(result.status, 1);
	cr_expect(strstr(result.out, "others may write") != NULL, "%s", result.out);
	child_release(&result);
	buf_release(&report);
	shelf_close(&shelf);
}

Test(stage_archive, command_lines)
{
	static const char *const wrong[][4] = {
		{"find"},
		{"list", "x"},
		{"burn"},
		{"--first", "1", "verify"},
		{"--retention", "9", "list"},
		{"--since", "x", "list"},
		{"--limit", "0", "list"},
		{"add"},
	};
	struct shelf shelf;

	shelf_open(&shelf);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct child_result result;

		shelf_run(&shelf, wrong[i], &result);
		cr_expect_eq(result.status, 2, "%s: %s", wrong[i][0], result.err);
		child_release(&result);
	}
	shelf_close(&shelf);
}
