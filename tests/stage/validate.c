/* SPDX-License-Identifier: Apache-2.0 */
/* sr-validate itself, over pipes. */
#include "ipc/canon.h"
#include "tests/support/child.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define INPUT_MAX    ((size_t)1 << 20)

static const char *const stage[] = {"sr-validate", NULL};

static const char policy[] = "apiVersion: policy.safe-run.dev/v1alpha1\nmetadata: {name: stage}\n"
			     "runtime: {command: /bin/true, args: []}\n"
			     "resources: {cpu: {max: 100000 100000}, memory: {max: 64Mi}}\n"
			     "mounts: []\naudit: {level: basic}\n";

/* One canonical record with every field of a ValidationResult, whatever happened. */
static struct json_object *read_record(const struct child_result *result)
{
	static const char *const names[] = {"errors",	 "hostFacts",	  "normalizedPolicy",
					    "overrides", "schemaVersion", "valid",
					    "warnings"};
	struct json_object *record;

	cr_assert_gt(result->out_len, 0, "status %d: %s", result->status, result->err);
	cr_assert_eq(result->out[result->out_len - 1], '\n');
	cr_assert(canon_check(result->out, result->out_len - 1, NULL));
	cr_expect_str_eq(result->err, "");
	record = json_tokener_parse(result->out);
	cr_assert_not_null(record);
	cr_expect_eq((size_t)json_object_object_length(record), COUNT(names));
	for (size_t i = 0; i < COUNT(names); i++)
		cr_expect(json_object_object_get_ex(record, names[i], NULL), "%s", names[i]);
	return record;
}

static char *normalized(const struct child_result *result)
{
	struct json_object *record = read_record(result);
	struct json_object *value = json_object_object_get(record, "normalizedPolicy");
	struct buf out BUF_CLEANUP;
	struct fault fault;

	buf_init(&out, INPUT_MAX);
	cr_assert_eq(canon_write(value, &out, FAULT_POLICY_FORMAT, &fault), FAULT_NONE);
	json_object_put(record);
	return strndup(out.data, out.len);
}

/* Refused, with one error that says where and what. */
static void expect_error(const char *name, const struct child_result *result, const char *code,
			 const char *path, const char *words)
{
	struct json_object *record = read_record(result);
	struct json_object *errors = json_object_object_get(record, "errors");
	struct json_object *error = json_object_array_get_idx(errors, 0);

	cr_expect_eq(result->status, 1, "%s: %d", name, result->status);
	cr_expect_not(json_object_get_boolean(json_object_object_get(record, "valid")), "%s", name);
	cr_assert_eq(json_object_array_length(errors), 1, "%s: %s", name, result->out);
	cr_expect_str_eq(json_object_get_string(json_object_object_get(error, "code")), code);
	cr_expect_str_eq(json_object_get_string(json_object_object_get(error, "path")), path);
	cr_expect_not_null(
		strstr(json_object_get_string(json_object_object_get(error, "message")), words),
		"%s: %s", name, result->out);
	json_object_put(record);
}

static void expect_refused(const char *name, const void *input, size_t len, const char *path,
			   const char *words)
{
	struct child_result result;

	child_run(stage, input, len, NULL, &result);
	expect_error(name, &result, "SR-POL-002", path, words);
	child_release(&result);
}

/* The same bytes for the same policy, however it arrives, and for what it normalises to. */
Test(stage_validate, accepts_at_once_and_in_pieces_and_again)
{
	static const size_t chunks[] = {1, 7, 4096};
	struct vector_set set;

	vectors_load("policy/accept", &set);
	for (size_t i = 0; i < set.count; i++) {
		struct child_result whole, again;
		char *first, *second;

		child_run(stage, set.items[i].data, set.items[i].len, NULL, &whole);
		cr_assert_eq(whole.status, 0, "%s: %s", set.items[i].name, whole.out);
		for (size_t j = 0; j < COUNT(chunks); j++) {
			struct child_options options = {.chunk_len = chunks[j]};
			struct child_result pieces;

			child_run(stage, set.items[i].data, set.items[i].len, &options, &pieces);
			cr_expect_str_eq(whole.out, pieces.out, "%s", set.items[i].name);
			child_release(&pieces);
		}
		first = normalized(&whole);
		child_run(stage, first, strlen(first), NULL, &again);
		second = normalized(&again);
		cr_expect_str_eq(first, second, "%s", set.items[i].name);
		free(first);
		free(second);
		child_release(&whole);
		child_release(&again);
	}
	vectors_release(&set);
}

/* Each is refused by the confined program as by its parts: the filter kills none of the answers. */
Test(stage_validate, refuses)
{
	struct vector_set set;

	vectors_load("policy/reject", &set);
	for (size_t i = 0; i < set.count; i++) {
		struct child_result result;

		if (strncmp(set.items[i].data, "SR-POL-", 7) == 0)
			continue;
		child_run(stage, set.items[i].data, set.items[i].len, NULL, &result);
		cr_expect_eq(result.status, 1, "%s: %d %s", set.items[i].name, result.status,
			     result.err);
		json_object_put(read_record(&result));
		child_release(&result);
	}
	vectors_release(&set);
}

/* policy with count fields nobody knows; the caller frees it. */
static char *with_unknown_fields(size_t count)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	fputs(policy, out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "unknown%zu: 1\n", i);
	fclose(out);
	return text;
}

/* No error is dropped in silence: the last one says how many there is no room for. */
Test(stage_validate, more_errors_than_are_listed)
{
	for (size_t count = FAULT_LIST_MAX - 1; count <= FAULT_LIST_MAX + 1; count++) {
		char *text = with_unknown_fields(count);
		struct child_result result;
		struct json_object *record, *errors, *last;
		const char *message;

		child_run(stage, text, strlen(text), NULL, &result);
		cr_expect_eq(result.status, 1);
		record = read_record(&result);
		errors = json_object_object_get(record, "errors");
		cr_expect_eq(json_object_array_length(errors), count, "%zu", count);
		last = json_object_array_get_idx(errors, count - 1);
		message = json_object_get_string(json_object_object_get(last, "message"));
		cr_expect_eq(strcmp(message, "and 1 more, not listed") == 0, count > FAULT_LIST_MAX,
			     "%zu: %s", count, message);
		json_object_put(record);
		child_release(&result);
		free(text);
	}
}

/* policy, then a comment up to len bytes. */
static char *padded(size_t len)
{
	char *text = malloc(len);

	memset(text, 'x', len);
	memcpy(text, policy, sizeof(policy) - 1);
	text[sizeof(policy) - 1] = '#';
	return text;
}

Test(stage_validate, size_cap)
{
	for (size_t len = INPUT_MAX - 1; len <= INPUT_MAX + 1; len++) {
		char *text = padded(len);
		struct child_result result;

		child_run(stage, text, len, NULL, &result);
		if (len <= INPUT_MAX)
			cr_expect_eq(result.status, 0, "%zu: %s", len, result.out);
		else
			expect_error("cap", &result, "SR-POL-002", "validate.policy", "1 MiB");
		child_release(&result);
		free(text);
	}
}

Test(stage_validate, ten_megabytes_and_garbage)
{
	const size_t len = (size_t)10 << 20;
	char *text = padded(len);

	expect_refused("10 MiB", text, len, "validate.policy", "1 MiB");
	memset(text, 0, INPUT_MAX);
	expect_refused("zeros", text, INPUT_MAX, "validate.policy", "looks like a binary file");
	memset(text, '[', INPUT_MAX);
	expect_refused("brackets", text, INPUT_MAX,
		       "[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]"
		       "[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]",
		       "nested more than 32");
	memset(text, '{', INPUT_MAX);
	expect_refused("braces", text, INPUT_MAX, "validate.policy", "a key in double quotes");
	memset(text, '"', INPUT_MAX);
	expect_refused("quotes", text, INPUT_MAX, "validate.policy", "not YAML");
	memset(text, '\n', INPUT_MAX);
	expect_refused("lines", text, INPUT_MAX, "validate.policy", "this is empty");
	memset(text, '-', INPUT_MAX);
	expect_refused("dashes", text, INPUT_MAX, "validate.policy", "a policy is a mapping");
	free(text);
}

/* Standard input that cannot be read: said in the record, with the next stages waiting for it. */
Test(stage_validate, input_is_a_directory)
{
	const char *const argv[] = {"/bin/sh", "-c", "exec \"$0\" < /", child_path("sr-validate"),
				    NULL};
	struct child_result result;

	child_run(argv, NULL, 0, NULL, &result);
	expect_error("directory", &result, "SR-POL-002", "validate.policy", "Is a directory");
	child_release(&result);
}

Test(stage_validate, output_is_gone)
{
	const char *const argv[] = {"/bin/sh", "-c", "exec \"$0\" > /dev/full",
				    child_path("sr-validate"), NULL};
	struct child_result result;

	child_run(argv, policy, sizeof(policy) - 1, NULL, &result);
	cr_expect_eq(result.status, 3);
	cr_expect_not_null(strstr(result.err, "sr-validate: "), "%s", result.err);
	child_release(&result);
}

Test(stage_validate, record_fd_is_an_exact_copy)
{
	char *directory = child_make_dir("validate-record");
	char *path;
	struct child_result result;
	char *copy;
	size_t len;

	cr_assert_geq(asprintf(&path, "%s/copy", directory), 0);
	{
		const char *const argv[] = {"/bin/sh",
					    "-c",
					    "exec \"$0\" --record-fd 3 3> \"$1\"",
					    child_path("sr-validate"),
					    path,
					    NULL};

		child_run(argv, policy, sizeof(policy) - 1, NULL, &result);
	}
	copy = child_read_file(path, &len);
	cr_expect_eq(result.status, 0);
	cr_assert_not_null(copy);
	cr_expect_eq(len, result.out_len);
	cr_expect_str_eq(copy, result.out);
	child_release(&result);
	free(copy);
	free(path);
	child_remove_dir(directory);
	free(directory);
}

Test(stage_validate, default_policy_is_the_file)
{
	static const char *const built_in[] = {"sr-validate", "--default-policy", NULL};
	char *path = vectors_path("../../policies/default.yaml");
	size_t len;
	char *file = child_read_file(path, &len);
	struct child_result one, other;

	cr_assert_not_null(file, "%s", path);
	/* What is on standard input is not read. */
	child_run(built_in, "not a policy", 12, NULL, &one);
	child_run(stage, file, len, NULL, &other);
	cr_expect_eq(one.status, 0);
	cr_expect_str_eq(one.out, other.out);
	child_release(&one);
	child_release(&other);
	free(file);
	free(path);
}

Test(stage_validate, every_policy_shipped_is_valid)
{
	static const char *const names[] = {"default",	      "hello",		 "no-network",
					    "read-only-root", "resource-limits", "strict"};

	for (size_t i = 0; i < COUNT(names); i++) {
		char name[64];
		char *path, *file;
		size_t len;
		struct child_result result;

		snprintf(name, sizeof(name), "../../policies/%s.yaml", names[i]);
		path = vectors_path(name);
		file = child_read_file(path, &len);
		cr_assert_not_null(file, "%s", path);
		child_run(stage, file, len, NULL, &result);
		cr_expect_eq(result.status, 0, "%s: %s", path, result.out);
		cr_expect_not_null(strstr(result.out, "\"warnings\":[]"), "%s", path);
		child_release(&result);
		free(file);
		free(path);
	}
}

Test(stage_validate, settings)
{
	static const char *const argv[] = {"sr-validate",
					   "--default-policy",
					   "--set",
					   "runtime.command=\"/bin/sh\"",
					   "--set=runtime.args=[\"-c\",\"true\"]",
					   "--set",
					   "resources.memory.max=\"128Mi\"",
					   NULL};
	static const char *const bad[] = {"sr-validate", "--default-policy", "--set",
					  "resources.memory.mox=1", NULL};
	struct child_result result;

	child_run(argv, NULL, 0, NULL, &result);
	cr_expect_eq(result.status, 0, "%s", result.out);
	cr_expect_not_null(
		strstr(result.out, "\"args\":[\"-c\",\"true\"],\"command\":\"/bin/sh\""));
	cr_expect_not_null(strstr(result.out, "\"memory\":{\"max\":134217728}"));
	cr_expect_not_null(strstr(result.out,
				  "\"overrides\":[{\"field\":\"runtime.command\",\"value\":"
				  "\"/bin/sh\"},{\"field\":\"runtime.args\",\"value\":[\"-c\","
				  "\"true\"]},{\"field\":\"resources.memory.max\",\"value\":"
				  "\"128Mi\"}]"));
	child_release(&result);
	child_run(bad, NULL, 0, NULL, &result);
	expect_error("setting", &result, "SR-POL-002", "resources.memory.mox",
		     "did you mean 'max'?");
	child_release(&result);
}

Test(stage_validate, usage)
{
	static const char *const commands[][4] = {
		{"sr-validate", "--unknown"},
		{"sr-validate", "operand"},
		{"sr-validate", "--set"},
		{"sr-validate", "--mount-allowlist"},
		{"sr-validate", "--default-policy=1"},
		{"sr-validate", "--host-policy=1"},
		{"sr-validate", "--host-policy", "--default-policy"},
		{"sr-validate", "--mount-allowlist=/nowhere", "--host-policy"},
	};

	for (size_t i = 0; i < COUNT(commands); i++) {
		struct child_result result;

		child_run(commands[i], policy, sizeof(policy) - 1, NULL, &result);
		cr_expect_eq(result.status, 2, "%s: %d", commands[i][1], result.status);
		cr_expect_str_eq(result.out, "");
		cr_expect_str_neq(result.err, "");
		child_release(&result);
	}
}

/* "NAME.expect" beside "NAME.yaml": the unit tests read it; here only which texts are ceilings. */
static void expect_hosts(const char *name, int status)
{
	struct vector_set set;

	vectors_load(name, &set);
	for (size_t i = 0; i < set.count; i++) {
		const struct vector *vector = &set.items[i];
		struct child_options slow = {.chunk_len = 7};
		struct child_result result;
		struct fault fault;
		struct json_object *record = NULL;

		if (strncmp(vector->data, "launch.host", 11) == 0 ||
		    strncmp(vector->data, "{\"callers\":", 11) == 0)
			continue;
		child_run((const char *const[]){"sr-validate", "--host-policy", NULL}, vector->data,
			  vector->len, &slow, &result);
		cr_expect_eq(result.status, status, "%s: %s%s", vector->name, result.out,
			     result.err);
		cr_assert_gt(result.out_len, 0, "%s", vector->name);
		cr_expect_eq(canon_parse(result.out, result.out_len - 1, FAULT_HOST_LACKS, &record,
					 &fault),
			     FAULT_NONE, "%s", vector->name);
		cr_expect_eq(json_object_object_get(record, "hostPolicy") != NULL, status == 0);
		json_object_put(record);
		child_release(&result);
	}
	vectors_release(&set);
}

/* The variable is for policies alone. */
Test(stage_validate, host_policies)
{
	cr_assert_eq(setenv("SAFE_RUN_MOUNT_ALLOWLIST", "/nowhere/list", 1), 0);
	expect_hosts("host/accept", 0);
	expect_hosts("host/reject", 1);
}

static void run_with_allowlist(const char *path, const char *text, struct child_result *result)
{
	const char *const argv[] = {"sr-validate", "--mount-allowlist", path, NULL};

	child_run(argv, text, strlen(text), NULL, result);
}

/* Not there, no file, a FIFO nobody writes to, too long: each a reason, none a wait. */
Test(stage_validate, allowlist_files_refused)
{
	char *directory = child_make_dir("validate-allowlist");
	struct child_result result;
	char *fifo, *large, *text;

	cr_assert_geq(asprintf(&fifo, "%s/fifo", directory), 0);
	cr_assert_geq(asprintf(&large, "%s/large", directory), 0);
	cr_assert_eq(mkfifo(fifo, 0600), 0);
	text = padded(INPUT_MAX + 1);
	child_write_file(large, text, INPUT_MAX + 1);
	run_with_allowlist("/nonexistent/list", policy, &result);
	expect_error("missing", &result, "SR-POL-101", "mountAllowlist", "No such file");
	child_release(&result);
	run_with_allowlist(directory, policy, &result);
	expect_error("directory", &result, "SR-POL-101", "mountAllowlist", "not a regular file");
	child_release(&result);
	run_with_allowlist(fifo, policy, &result);
	expect_error("fifo", &result, "SR-POL-101", "mountAllowlist", "not a regular file");
	child_release(&result);
	run_with_allowlist(large, policy, &result);
	expect_error("large", &result, "SR-POL-101", "mountAllowlist", "longer than 1 MiB");
	child_release(&result);
	free(text);
	free(large);
	free(fifo);
	child_remove_dir(directory);
	free(directory);
}

/*
 * A relative name is relative to the caller; the mount is looked up by the confined process, in a
 * directory others may not search.
 */
Test(stage_validate, mounts_through_an_allowlist)
{
	char *made = child_make_dir("validate-mounts");
	char *directory = realpath(made, NULL);
	struct child_options options = {.cwd = directory};
	static const char *const argv[] = {"sr-validate", "--mount-allowlist", "list", NULL};
	struct child_result result;
	char *list, *source, *link, *text, *expected;

	cr_assert_geq(asprintf(&list, "%s/list", directory), 0);
	cr_assert_geq(asprintf(&source, "%s/data", directory), 0);
	cr_assert_geq(asprintf(&link, "%s/link", directory), 0);
	cr_assert_geq(asprintf(&text,
			       "schemaVersion: safe-run.mount-allowlist/v1\nhostAllowPrefixes: "
			       "[%s]\nguestAllowPrefixes: [/data]\n",
			       source),
		      0);
	cr_assert_eq(mkdir(source, 0700), 0);
	cr_assert_eq(symlink("data", link), 0);
	child_write_file(list, text, strlen(text));
	free(text);
	cr_assert_geq(asprintf(&text,
			       "apiVersion: policy.safe-run.dev/v1alpha1\nmetadata: {name: m}\n"
			       "runtime: {command: /bin/true, args: []}\n"
			       "resources: {cpu: {max: max 1000}, memory: {max: max}}\n"
			       "mounts: [{source: %s, target: /data/in, read_only: true}]\n"
			       "audit: {level: basic}\n",
			       link),
		      0);
	cr_assert_geq(asprintf(&expected, "\"source\":\"%s\",\"target\":\"/data/in\"", source), 0);
	child_run(argv, text, strlen(text), &options, &result);
	cr_expect_eq(result.status, 0, "%s", result.out);
	cr_expect_not_null(strstr(result.out, expected), "%s", result.out);
	child_release(&result);
	free(expected);
	free(text);
	free(link);
	free(source);
	free(list);
	child_remove_dir(directory);
	free(directory);
	free(made);
}

#ifndef SAFE_RUN_SANITIZED /* whose shadow memory counts */
Test(stage_validate, memory)
{
	struct child_result result;

	child_run(stage, policy, sizeof(policy) - 1, NULL, &result);
	cr_expect_eq(result.status, 0);
	cr_expect_lt(result.max_rss_kib, 4096, "%ld KiB", result.max_rss_kib);
	child_release(&result);
}
#endif
