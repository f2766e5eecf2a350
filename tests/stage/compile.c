/* SPDX-License-Identifier: Apache-2.0 */
/* sr-compile itself, over pipes. */
#include "ipc/canon.h"
#include "tests/support/child.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const stage[] = {"sr-compile", NULL};

static char *with_line_feed(const struct vector *vector)
{
	char *line = malloc(vector->len + 2);

	memcpy(line, vector->data, vector->len);
	memcpy(line + vector->len, "\n", 2);
	return line;
}

/* One canonical record, whatever happened. */
static void expect_record(const char *name, const struct child_result *result)
{
	cr_assert_gt(result->out_len, 0, "%s: %s", name, result->err);
	cr_expect_eq(result->out[result->out_len - 1], '\n', "%s", name);
	cr_expect(canon_check(result->out, result->out_len - 1, NULL), "%s", name);
	cr_expect_str_eq(result->err, "", "%s", name);
}

static void expect_refused(const char *name, const void *input, size_t len, const char *message)
{
	struct child_result result;

	child_run(stage, input, len, NULL, &result);
	expect_record(name, &result);
	cr_expect_eq(result.status, 1, "%s", name);
	cr_expect(strstr(result.out, "SR-CMP-002") != NULL, "%s: %s", name, result.out);
	cr_expect(strstr(result.out, message) != NULL, "%s: %s", name, result.out);
	cr_expect(strstr(result.out, "\"processPlan\":null") != NULL, "%s", name);
	child_release(&result);
}

Test(stage_compile, gives_the_golden_bytes_at_once_and_in_pieces)
{
	static const size_t chunks[] = {0, 1, 7, 4096};
	struct vector_set inputs, goldens;

	vectors_load("compile/accept", &inputs);
	vectors_load("compile/bundle", &goldens);
	cr_assert_eq(inputs.count, goldens.count);
	for (size_t i = 0; i < inputs.count; i++) {
		char *line = with_line_feed(&inputs.items[i]);

		for (size_t j = 0; j < sizeof(chunks) / sizeof(chunks[0]); j++) {
			struct child_options options = {.chunk_len = chunks[j]};
			struct child_result result;

			child_run(stage, line, inputs.items[i].len + 1, &options, &result);
			cr_expect_eq(result.status, 0, "%s: %s", inputs.items[i].name, result.err);
			expect_record(inputs.items[i].name, &result);
			cr_expect_eq(result.out_len, goldens.items[i].len);
			cr_expect_str_eq(result.out, goldens.items[i].data, "%s",
					 inputs.items[i].name);
			child_release(&result);
		}
		free(line);
	}
	vectors_release(&inputs);
	vectors_release(&goldens);
}

Test(stage_compile, refuses_hostile_validation_results)
{
	struct vector_set inputs;

	vectors_load("compile/reject", &inputs);
	for (size_t i = 0; i < inputs.count; i++) {
		char *line = with_line_feed(&inputs.items[i]);
		struct child_result result;
		char code[sizeof("SR-CMP-001")];

		snprintf(code, sizeof(code), "%s", inputs.items[i].name);
		child_run(stage, line, inputs.items[i].len + 1, NULL, &result);
		expect_record(inputs.items[i].name, &result);
		cr_expect_eq(result.status, 1, "%s: %d", inputs.items[i].name, result.status);
		cr_expect(strstr(result.out, code) != NULL, "%s: %s", inputs.items[i].name,
			  result.out);
		child_release(&result);
		free(line);
	}
	vectors_release(&inputs);
}

Test(stage_compile, passes_errors_on)
{
	struct vector_set inputs;

	vectors_load("compile/pass", &inputs);
	for (size_t i = 0; i < inputs.count; i++) {
		char *line = with_line_feed(&inputs.items[i]);
		struct child_result result;

		child_run(stage, line, inputs.items[i].len + 1, NULL, &result);
		expect_record(inputs.items[i].name, &result);
		cr_expect_eq(result.status, 1);
		cr_expect(strstr(result.out, "SR-POL-00") != NULL, "%s", result.out);
		cr_expect(strstr(result.out, "SR-CMP") == NULL, "%s", result.out);
		child_release(&result);
		free(line);
	}
	vectors_release(&inputs);
}

Test(stage_compile, refuses_what_is_not_one_record)
{
	static const struct {
		const char *name, *input;
		size_t len;
		const char *message;
	} cases[] = {
		{"nothing", "", 0, "there is no input"},
		{"no line feed", "{}", 2, "ends inside a record"},
		{"an empty line", "\n", 1, "there is no value"},
		{"two records", "{}\n{}\n", 6, "a second record"},
		{"a record and a half", "{}\n{", 4, "ends inside a record"},
		{"a policy", "apiVersion: x\n", 14, "not JSON"},
		{"binary", "\0\xff\xfe\n", 4, "not JSON"},
		{"two line feeds", "{}\n\n", 4, "a second record"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_refused(cases[i].name, cases[i].input, cases[i].len, cases[i].message);
}

Test(stage_compile, refuses_the_wrong_kind_of_record)
{
	struct vector_set sets[2];

	vectors_load("compile/bundle", &sets[0]);
	expect_refused("its own output", sets[0].items[0].data, sets[0].items[0].len,
		       "schemaVersion");
	vectors_load("records/accept", &sets[1]);
	for (size_t i = 0; i < sets[1].count; i++) {
		char *line = with_line_feed(&sets[1].items[i]);

		if (strcmp(sets[1].items[i].name, "validation-refused") != 0)
			expect_refused(sets[1].items[i].name, line, sets[1].items[i].len + 1, "");
		free(line);
	}
	vectors_release(&sets[0]);
	vectors_release(&sets[1]);
}

/* 16 MiB and a byte: the cap, not memory, ends it. */
Test(stage_compile, a_record_has_at_most_16_mebibytes)
{
	size_t cap = (size_t)16 << 20;

	for (size_t len = cap - 1; len <= cap + 1; len++) {
		char *line = malloc(len + 1);

		memset(line, 'x', len);
		line[len] = '\n';
		expect_refused("long", line, len + 1,
			       len > cap ? "longer than 16777216 bytes" : "not JSON");
		free(line);
	}
}

Test(stage_compile, keeps_an_exact_copy_of_its_output)
{
	struct vector_set inputs;
	struct child_options options = {0};
	struct child_result result;
	char *directory = child_make_dir("compile"), *path, *line, *copy;
	char number[16];
	size_t len;
	int fd;

	vectors_load("compile/accept", &inputs);
	line = with_line_feed(&inputs.items[0]);
	cr_assert_geq(asprintf(&path, "%s/compile.json", directory), 0);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	cr_assert_geq(fd, 3);
	options.keep_fds[0] = fd;
	snprintf(number, sizeof(number), "%d", fd);
	child_run((const char *const[]){"sr-compile", "--record-fd", number, NULL}, line,
		  inputs.items[0].len + 1, &options, &result);
	cr_expect_eq(result.status, 0, "%s", result.err);
	copy = child_read_file(path, &len);
	cr_assert_not_null(copy);
	cr_expect_eq(len, result.out_len);
	cr_expect_str_eq(copy, result.out);
	child_release(&result);
	close(fd);
	free(copy);
	free(line);
	free(path);
	vectors_release(&inputs);
	child_remove_dir(directory);
	free(directory);
}

/* Status 3 and a line on stderr, not a signal. /dev/full takes nothing. */
Test(stage_compile, says_when_its_output_cannot_be_written)
{
	struct child_result result;
	int fd = open("/dev/full", O_WRONLY);
	char number[16];

	cr_assert_geq(fd, 3);
	snprintf(number, sizeof(number), "%d", fd);
	child_run((const char *const[]){"sr-compile", "--record-fd", number, NULL}, "{}\n", 3,
		  &(struct child_options){.keep_fds = {fd}}, &result);
	cr_expect_eq(result.status, 3, "%d %s", result.status, result.err);
	cr_expect(strstr(result.err, "sr-compile: cannot write a record") != NULL, "%s",
		  result.err);
	child_release(&result);
	close(fd);
}

Test(stage_compile, refuses_operands_and_unknown_options)
{
	static const char *const lines[][3] = {
		{"sr-compile", "file", NULL},
		{"sr-compile", "--policy", NULL},
		{"sr-compile", "--record-fd=99", NULL},
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct child_result result;

		child_run(lines[i], "", 0, NULL, &result);
		cr_expect_eq(result.status, 2, "%s", lines[i][1]);
		cr_expect_eq(result.out_len, 0);
		child_release(&result);
	}
}
