/* SPDX-License-Identifier: Apache-2.0 */
/* The record of --json, and what it takes to get one or a sealed report in every case. */
#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *text_at(struct json_object *record, const char *name)
{
	struct json_object *value = NULL;

	cr_expect(json_object_object_get_ex(record, name, &value), "no %s", name);
	return value != NULL ? json_object_get_string(value) : "null";
}

static struct json_object *record_of(const struct run *run)
{
	struct json_object *record = json_tokener_parse(run->child.out);

	cr_assert_not_null(record, "no record in '%s'; stderr: %s", run->child.out, run->child.err);
	return record;
}

Test(response, says_what_was_enforced)
{
	struct json_object *record;
	struct run run;

	run_need_limits();
	run_start(&run, WORDS("--json"), WORDS("true"), "", 0);
	record = record_of(&run);
	cr_expect_str_eq(text_at(record, "verdict"), "enforced");
	cr_expect_str_eq(text_at(record, "verdict"), run_text(&run, "verdict"));
	cr_expect_str_eq(text_at(record, "degraded"), "[ ]");
	json_object_put(record);
	run_release(&run);
}

Test(response, has_no_verdict_without_a_run)
{
	struct json_object *record;
	struct run run;

	run_start(&run, WORDS("--json", "--memory", "lots"), WORDS("true"), "", 0);
	record = record_of(&run);
	cr_expect_str_eq(text_at(record, "verdict"), "null");
	cr_expect_str_eq(text_at(record, "degraded"), "[ ]");
	cr_expect_str_eq(text_at(record, "state"), "failed");
	json_object_put(record);
	run_release(&run);
}

/* Wherever --json stands, and whatever is wrong beside it. */
Test(response, usage_is_a_record_too)
{
	static const struct {
		const char *words[5];
		const char *said;
	} wrong[] = {
		{{"--json", "--no-such-option", NULL}, "'--no-such-option' is not an option"},
		{{"--no-such-option", "--json", NULL}, "'--no-such-option' is not an option"},
		{{"--json", "--timeout", NULL}, "'--timeout' needs a value"},
		{{"--quiet=yes", "--json", NULL}, "'--quiet=yes' takes no value"},
		{{"true", "--json", NULL}, "behind --"},
		{{"--tty", "--json", NULL}, "there is nothing to run"},
		{{"--json", NULL}, "there is nothing to run"},
		{{"--json", "--sample-ms", "0", "--policy=x", NULL}, "--sample-ms takes"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct json_object *record;
		struct run run;

		run_start(&run, wrong[i].words, NULL, "", 0);
		record = record_of(&run);
		cr_expect_eq(run.child.status, 125, "case %zu", i);
		cr_expect_str_eq(text_at(record, "state"), "failed", "case %zu", i);
		cr_expect_str_eq(text_at(record, "exitCode"), "125", "case %zu", i);
		cr_expect_not_null(strstr(text_at(record, "errors"), wrong[i].said), "case %zu: %s",
				   i, run.child.out);
		cr_expect_not_null(strstr(run.child.err, "usage: "), "case %zu", i);
		cr_expect_null(run.dir, "case %zu", i);
		json_object_put(record);
		run_release(&run);
	}
}

/* Behind -- it is the command's. */
Test(response, command_keeps_its_words)
{
	struct run run;

	run_start(&run, WORDS("--no-such-option"), WORDS("true", "--json"), "", 0);
	cr_expect_eq(run.child.status, 125);
	cr_expect_str_empty(run.child.out);
	run_release(&run);
}

static void expect_refusal(const char *path, const char *code, const char *said)
{
	struct run run;

	run_start(&run, WORDS("--policy", path), NULL, "", 0);
	run_expect(&run, 125, "setup");
	cr_expect(run_has_error(&run, code), "%s", path);
	cr_expect_not_null(strstr(run.child.err, said), "%s: %s", path, run.child.err);
	cr_expect_not_null(strstr(json_object_get_string(run.report), said), "%s", path);
	run_release(&run);
}

/* A policy whose bytes cannot be had is refused as a bad one is: sealed, and the reason with it. */
Test(response, policy_that_cannot_be_read_is_sealed)
{
	char *dir = child_make_dir("sr-response"), *path = NULL;

	expect_refusal("/no/such/policy", "SR-POL-001", "cannot open the policy");
	expect_refusal("/usr", "SR-POL-002", "is a directory");
	expect_refusal("/dev/zero", "SR-POL-002", "is a device");
	cr_assert_gt(asprintf(&path, "%s/closed", dir), 0);
	child_write_file(path, "", 0);
	cr_assert_eq(chmod(path, 0), 0);
	if (geteuid() != 0)
		expect_refusal(path, "SR-POL-001", "Permission denied");
	free(path);
	child_remove_dir(dir);
	free(dir);
}

#define WORD_LEN  200
#define WORDS_MAX 2600

/* `echo` with count words of WORD_LEN bytes that need an escape each in JSON. */
static void run_words(struct run *run, size_t count)
{
	static char word[WORD_LEN + 1];
	const char **argv = calloc(count + 16, sizeof(*argv)), **base;
	size_t used = 0;

	memset(word, '"', WORD_LEN);
	memset(run, 0, sizeof(*run));
	run->base = child_make_dir("sr-response");
	base = run_argv(run->base, NULL, WORDS("/bin/echo"));
	for (; base[used] != NULL; used++)
		argv[used] = base[used];
	for (size_t i = 0; i < count; i++)
		argv[used++] = word;
	child_run(argv, "", 0, NULL, &run->child);
	run_collect(run);
	free(base);
	free(argv);
}

/*
 * What a caller can say to us the command is told: a list beyond what execve(2) takes in one word,
 * 128 KiB, reaches it whole.
 */
Test(response, long_command_lines)
{
	static const size_t counts[] = {1, 300, 650, WORDS_MAX};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct run run;

		run_words(&run, counts[i]);
		run_expect(&run, 0, "exit");
		cr_expect_eq(run.child.out_len, counts[i] * (WORD_LEN + 1), "%zu: %zu", counts[i],
			     run.child.out_len);
		run_release(&run);
	}
}

/* And what the command cannot be told is refused with the reason, not with another one's. */
Test(response, command_line_beyond_the_limit)
{
	struct run run;

	run_words(&run, 6000);
	run_expect(&run, 125, "setup");
	cr_expect(run_has_error(&run, "SR-POL-002"));
	cr_expect_not_null(strstr(run.child.err, "runtime.args"), "%s", run.child.err);
	cr_expect_null(strstr(run.child.err, "no input"), "%s", run.child.err);
	run_release(&run);
}
