/* SPDX-License-Identifier: Apache-2.0 */
/* The host's ceiling: what is one, and what exactly it says. */
#include "ipc/canon.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/validate/allowlist.h"
#include "stages/validate/host_policy.h"
#include "stages/validate/host_value.h"
#include "tests/support/vectors.h"
#include "tests/unit/validate_run.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct json_object *read_host(const char *data, size_t len, bool *valid)
{
	const struct validate_text text = {.data = data, .len = len};

	return host_policy_read(&text, valid);
}

/* Beside "<name>.yaml" lies "<name>.expect". */
static bool is_expectation(const struct vector *vector)
{
	return strncmp(vector->data, "launch.host", 11) == 0 ||
	       strncmp(vector->data, "{\"callers\":", 11) == 0;
}

static char *expectation(const struct vector_set *set, const struct vector *vector)
{
	for (size_t i = 0; i < set->count; i++)
		if (is_expectation(&set->items[i]) && strcmp(set->items[i].name, vector->name) == 0)
			return strndup(set->items[i].data, strcspn(set->items[i].data, "\n"));
	cr_assert_fail("%s has no .expect", vector->name);
	return NULL;
}

static void check_accepted(const struct vector *vector, const char *expected)
{
	struct buf out BUF_CLEANUP;
	struct fault fault;
	bool valid = false;
	struct json_object *record OBJECT_CLEANUP = read_host(vector->data, vector->len, &valid);

	cr_assert(valid, "%s: %s", vector->name, json_object_to_json_string(record));
	buf_init(&out, RECORD_EVENT_MAX);
	cr_assert_eq(canon_write(json_object_object_get(record, "hostPolicy"), &out,
				 FAULT_HOST_LACKS, &fault),
		     FAULT_NONE);
	buf_append(&out, "", 1);
	cr_expect_str_eq(out.data, expected, "%s", vector->name);
}

/* Every error has the code of the host's faults, and the first is the one expected. */
static void check_refused(const struct vector *vector, char *expected)
{
	bool valid = true;
	struct json_object *record OBJECT_CLEANUP = read_host(vector->data, vector->len, &valid);
	struct json_object *errors = json_object_object_get(record, "errors");
	char *words = strstr(expected, " | ");

	cr_assert_not_null(words);
	*words = '\0';
	words += 3;
	cr_assert_not(valid, "%s was accepted", vector->name);
	cr_expect_null(json_object_object_get(record, "hostPolicy"));
	for (size_t i = 0; i < json_object_array_length(errors); i++) {
		struct json_object *error = json_object_array_get_idx(errors, i);
		const char *path = json_object_get_string(json_object_object_get(error, "path"));
		const char *message =
			json_object_get_string(json_object_object_get(error, "message"));

		cr_expect_str_eq(json_object_get_string(json_object_object_get(error, "code")),
				 "SR-OPS-001");
		if (i > 0)
			continue;
		cr_expect_str_eq(path, expected, "%s: %s", vector->name, message);
		cr_expect_not_null(strstr(message, words), "%s: %s", vector->name, message);
	}
}

static void check_vectors(const char *name, bool accepted)
{
	struct vector_set set;

	vectors_load(name, &set);
	for (size_t i = 0; i < set.count; i++) {
		char *expected;

		if (is_expectation(&set.items[i]))
			continue;
		expected = expectation(&set, &set.items[i]);
		if (accepted)
			check_accepted(&set.items[i], expected);
		else
			check_refused(&set.items[i], expected);
		free(expected);
	}
	vectors_release(&set);
}

Test(validate_host, accepted)
{
	check_vectors("host/accept", true);
}

Test(validate_host, refused)
{
	check_vectors("host/reject", false);
}

/* count entries of a list: "[/p, /p, ...]". */
static char *list_of(const char *entry, size_t count)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_not_null(out);
	fputc('[', out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "", entry);
	fputc(']', out);
	fclose(out);
	return text;
}

Test(validate_host, caps)
{
	static const struct {
		const char *before, *entry, *after;
		size_t max;
	} lists[] = {
		{"callers: {uids: ", "1-2", "}", HOST_RANGES_MAX},
		{"callers: {gids: ", "7", "}", HOST_RANGES_MAX},
		{"mounts: {hostAllowPrefixes: ", "/p", "}", ALLOWLIST_PREFIXES_MAX},
		{"mounts: {guestAllowPrefixes: ", "/p", "}", ALLOWLIST_PREFIXES_MAX},
	};

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		for (size_t count = lists[i].max - 1; count <= lists[i].max + 1; count++) {
			char *list = list_of(lists[i].entry, count);
			char *text = run_format("schemaVersion: safe-run.host/v1\n%s%s%s\n",
						lists[i].before, list, lists[i].after);
			bool valid;

			json_object_put(read_host(text, strlen(text), &valid));
			cr_expect_eq(valid, count <= lists[i].max, "%zu of %s", count,
				     lists[i].entry);
			free(text);
			free(list);
		}
}

/* What could not be read is refused, not taken for a file without ceilings. */
Test(validate_host, unread_is_refused)
{
	struct validate_text text = {.data = "schemaVersion: safe-run.host/v1\n", .len = 32};
	bool valid = true;

	(void)fault_set(&text.fault, FAULT_POLICY_FORMAT, "validate.policy", "no more");
	json_object_put(host_policy_read(&text, &valid));
	cr_expect_not(valid);
}
