/* SPDX-License-Identifier: Apache-2.0 */
/* What may be given as a policy, and is none: an error each time, never a crash, never a wait. */
#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

struct bad_input {
	const char *what;
	char *path;
};

static void add(struct bad_input *input, const char *dir, const char *what, const char *data,
		size_t len)
{
	input->what = what;
	cr_assert_gt(asprintf(&input->path, "%s/%s", dir, what), 0);
	child_write_file(input->path, data, len);
}

static char *filled(char byte, size_t len)
{
	char *data = malloc(len);

	memset(data, byte, len);
	return data;
}

/* Files nobody should give, in dir; how many. */
static size_t make_inputs(struct bad_input inputs[16], const char *dir)
{
	static const char binary[] = "\x7f"
				     "ELF\x02\x01\x01\0\0\0\0\0\xff\xfe\x80";
	char *spaces = filled(' ', MIB + 1), *deep = filled('[', 100000);
	size_t count = 0;

	add(&inputs[count++], dir, "empty", "", 0);
	add(&inputs[count++], dir, "one-mib-and-one", spaces, MIB + 1);
	add(&inputs[count++], dir, "one-mib", spaces, MIB);
	add(&inputs[count++], dir, "deep", deep, 100000);
	add(&inputs[count++], dir, "binary", binary, sizeof(binary));
	add(&inputs[count++], dir, "anchors", "a: &x [1]\nb: *x\n", 16);
	add(&inputs[count++], dir, "twice", "audit: {}\naudit: {}\n", 20);
	add(&inputs[count++], dir, "tabs", "audit:\n\tlevel: basic\n", 21);
	add(&inputs[count++], dir, "not-utf8", "metadata: {name: \"\xff\"}\n", 22);
	free(spaces);
	free(deep);
	inputs[count].what = "directory";
	inputs[count++].path = strdup("/usr");
	inputs[count].what = "missing";
	inputs[count++].path = strdup("/no/such/policy");
	inputs[count].what = "device";
	inputs[count++].path = strdup("/dev/zero");
	inputs[count].what = "fifo";
	cr_assert_gt(asprintf(&inputs[count].path, "%s/fifo", dir), 0);
	cr_assert_eq(mkfifo(inputs[count++].path, 0600), 0);
	return count;
}

static void expect_errors(const char *what, const struct child_result *result)
{
	struct json_object *record = json_tokener_parse(result->out), *errors = NULL;

	cr_assert_not_null(record, "%s: no record: %s", what, result->err);
	json_object_object_get_ex(record, "errors", &errors);
	cr_assert_not_null(errors, "%s: %s", what, result->out);
	cr_expect_gt(json_object_array_length(errors), 0, "%s: %s", what, result->out);
	json_object_put(record);
}

Test(input, bad_policies)
{
	char *dir = child_make_dir("sr-input");
	struct bad_input inputs[16];
	size_t count = make_inputs(inputs, dir);

	for (size_t i = 0; i < count; i++) {
		struct child_result result;
		struct run run;

		child_run(WORDS("safe-run", "validate", inputs[i].path), "", 0, NULL, &result);
		cr_expect_eq(result.status, 1, "validate %s: %d", inputs[i].what, result.status);
		expect_errors(inputs[i].what, &result);
		child_release(&result);
		child_run(WORDS("safe-run", "compile", "--dry-run", inputs[i].path), "", 0, NULL,
			  &result);
		cr_expect_eq(result.status, 1, "compile %s: %d", inputs[i].what, result.status);
		expect_errors(inputs[i].what, &result);
		child_release(&result);
		run_start(&run, WORDS("--json", "--policy", inputs[i].path), NULL, "", 0);
		cr_expect_eq(run.child.status, 125, "run %s: %d", inputs[i].what, run.child.status);
		expect_errors(inputs[i].what, &run.child);
		run_release(&run);
		free(inputs[i].path);
	}
	child_remove_dir(dir);
	free(dir);
}

Test(input, policy_on_standard_input)
{
	char *path = run_policy("default.yaml");
	size_t len;
	char *policy = child_read_file(path, &len);
	struct child_result piped, named;

	child_run(WORDS("safe-run", "validate", "--policy", "-"), policy, len, NULL, &piped);
	child_run(WORDS("safe-run", "validate", path), "", 0, NULL, &named);
	cr_expect_eq(piped.status, 0, "%s", piped.out);
	cr_expect_str_eq(piped.out, named.out);
	child_release(&piped);
	child_release(&named);
	free(policy);
	free(path);
}

/* A mebibyte is copied to its last byte, where the policy of this one stands; one more is refused.
 */
Test(input, largest_policy)
{
	char *path = run_policy("default.yaml");
	size_t len;
	char *policy = child_read_file(path, &len), *padded = filled('#', MIB + 1);

	for (size_t total = MIB - 1; total <= MIB + 1; total++) {
		struct run run;

		padded[total - len - 1] = '\n';
		memcpy(padded + total - len, policy, len);
		run_start(&run, WORDS("--policy", "-"), NULL, padded, total);
		cr_expect_eq(run.child.status, total <= MIB ? 0 : 125, "%zu: %s", total,
			     run.child.err);
		run_release(&run);
		memset(padded, '#', MIB + 1);
	}
	free(padded);
	free(policy);
	free(path);
}

/* A descriptor the caller left open can be named, and reaches nobody else. */
Test(input, policy_on_another_descriptor)
{
	char *path = run_policy("default.yaml"), *base = child_make_dir("sr-input"), name[32];
	int fd = open(path, O_RDONLY);
	struct child_options options = {.keep_fds = {fd}};
	struct run run = {.base = base};
	const char **argv;

	snprintf(name, sizeof(name), "/dev/fd/%d", fd);
	argv = run_argv(base, WORDS("--policy", name), WORDS("ls", "/proc/self/fd"));
	child_run(argv, "", 0, &options, &run.child);
	run_collect(&run);
	run_expect(&run, 0, "exit");
	cr_expect_str_eq(run.child.out, "0\n1\n2\n3\n", "3 is ls's own directory: %s",
			 run.child.out);
	run_release(&run);
	close(fd);
	free(argv);
	free(path);
}

/* Without --dry-run it is an illegal request, and said to be one. */
Test(input, compile_needs_dry_run)
{
	char *path = run_policy("default.yaml");
	struct child_result result;

	child_run(WORDS("safe-run", "compile", path), "", 0, NULL, &result);
	cr_expect_eq(result.status, 1);
	cr_expect_not_null(strstr(result.out, "\"code\":\"SR-CMP-002\""), "%s", result.out);
	child_release(&result);
	child_run(WORDS("safe-run", "compile", "--dry-run", path), "", 0, NULL, &result);
	cr_expect_eq(result.status, 0, "%s", result.err);
	cr_expect_not_null(strstr(result.out, "\"errors\":[]"), "%s", result.out);
	child_release(&result);
	free(path);
}

Test(input, usage_of_the_verbs)
{
	static const char *const wrong[][5] = {
		{"safe-run", NULL},
		{"safe-run", "no-such-verb", NULL},
		{"safe-run", "\033[31mred", NULL},
		{"safe-run", "validate", NULL},
		{"safe-run", "validate", "a", "b", NULL},
		{"safe-run", "validate", "--dry-run", "a", NULL},
		{"safe-run", "compile", "--dry-run", NULL},
		{"safe-run", "report", "verify", NULL},
		{"safe-run", "report", "forge", "x", NULL},
		{"safe-run", "gc", "extra", NULL},
		{"safe-run", "gc", "--older-than", "never", NULL},
		{"safe-run", "version", "extra", NULL},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct child_result result;

		child_run(wrong[i], "", 0, NULL, &result);
		cr_expect_eq(result.status, 2, "case %zu: %d", i, result.status);
		cr_expect_str_empty(result.out, "case %zu", i);
		cr_expect_not_null(strstr(result.err, "usage: "), "case %zu", i);
		cr_expect_null(strchr(result.err, '\033'), "case %zu", i);
		child_release(&result);
	}
}

Test(input, help_and_version)
{
	static const char *const asked[][4] = {
		{"safe-run", "help", NULL},
		{"safe-run", "--help", NULL},
		{"safe-run", "version", NULL},
		{"safe-run", "--version", NULL},
		{"safe-run", "run", "--help", NULL},
		{"safe-run", "validate", "--help", NULL},
		{"safe-run", "compile", "--help", NULL},
		{"safe-run", "report", "--help", NULL},
		{"safe-run", "gc", "--help", NULL},
	};

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct child_result result;

		child_run(asked[i], "", 0, NULL, &result);
		cr_expect_eq(result.status, 0, "case %zu", i);
		cr_expect_gt(result.out_len, 10, "case %zu", i);
		cr_expect_str_empty(result.err, "case %zu", i);
		child_release(&result);
	}
}

/* A report that is none: invalid, in words and as a record, with sr-verify's status. */
Test(input, verify_what_is_no_report)
{
	struct child_result result;

	child_run(WORDS("safe-run", "report", "verify", "/usr/lib/os-release"), "", 0, NULL,
		  &result);
	cr_expect_eq(result.status, 1);
	cr_expect_eq(strncmp(result.out, "invalid", 7), 0, "%s", result.out);
	child_release(&result);
	child_run(WORDS("safe-run", "report", "verify", "--json", "/usr/lib/os-release"), "", 0,
		  NULL, &result);
	cr_expect_eq(result.status, 1);
	cr_expect_not_null(strstr(result.out, "\"valid\":false"), "%s", result.out);
	child_release(&result);
}
