/* SPDX-License-Identifier: Apache-2.0 */
/* sr-validate --host-facts-fd: the same answer again, on a host that would say otherwise. */
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FACTS_FD     50

struct fixture {
	char *directory;
	char allowlist[512];
	char policy[2048];
};

static void fixture_open(struct fixture *fixture, const char *source)
{
	char text[1024];

	fixture->directory = child_make_dir("replay");
	snprintf(fixture->allowlist, sizeof(fixture->allowlist), "%s/allow.yaml",
		 fixture->directory);
	snprintf(text, sizeof(text),
		 "schemaVersion: safe-run.mount-allowlist/v1\nhostAllowPrefixes: [%s]\n"
		 "guestAllowPrefixes: [/data]\n",
		 fixture->directory);
	child_write_file(fixture->allowlist, text, strlen(text));
	snprintf(fixture->policy, sizeof(fixture->policy),
		 "apiVersion: policy.safe-run.dev/v1alpha1\nmetadata: {name: r}\n"
		 "runtime: {command: /bin/true, args: []}\n"
		 "resources: {cpu: {max: \"100000 100000\"}, memory: {max: 64Mi}}\n"
		 "mounts: [{source: %s/%s, target: /data, read_only: true}]\n"
		 "audit: {level: basic}\n",
		 fixture->directory, source);
}

static void fixture_close(struct fixture *fixture)
{
	child_remove_dir(fixture->directory);
	free(fixture->directory);
}

static void make(const struct fixture *fixture, const char *name, bool there)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", fixture->directory, name);
	if (there)
		cr_assert_eq(mkdir(path, 0700), 0);
	else
		cr_assert_eq(rmdir(path), 0);
}

static void validate(const struct fixture *fixture, struct child_result *result)
{
	const char *argv[] = {"sr-validate", "--mount-allowlist",    fixture->allowlist,
			      "--set",	     "resources.pids.max=7", NULL};

	child_run(argv, fixture->policy, strlen(fixture->policy), NULL, result);
}

/* With record as the recorded answer; more is one more word, or NULL. */
static void replay(const struct fixture *fixture, const void *record, size_t len, const char *more,
		   struct child_result *result)
{
	const char *argv[] = {"sr-validate", "--host-facts-fd", "50", more, NULL};
	const struct child_options options = {.keep_fds = {FACTS_FD}};
	char path[600];
	int fd;

	snprintf(path, sizeof(path), "%s/record", fixture->directory);
	child_write_file(path, record, len);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert(fd >= 0 && dup2(fd, FACTS_FD) == FACTS_FD);
	child_run(argv, fixture->policy, strlen(fixture->policy), &options, result);
	close(fd);
	close(FACTS_FD);
}

static void expect_same(const char *name, const struct fixture *fixture,
			const struct child_result *recorded)
{
	struct child_result again;

	replay(fixture, recorded->out, recorded->out_len, NULL, &again);
	cr_expect_eq(again.status, recorded->status, "%s: %s", name, again.err);
	cr_expect_str_eq(again.out, recorded->out, "%s", name);
	child_release(&again);
}

/* Found then and gone now; not there then and there now: the record decides. */
Test(validate_replay, the_host_is_not_asked)
{
	struct fixture fixture;
	struct child_result recorded;

	fixture_open(&fixture, "input");
	make(&fixture, "input", true);
	validate(&fixture, &recorded);
	cr_assert_eq(recorded.status, 0, "%s", recorded.out);
	make(&fixture, "input", false);
	unlink(fixture.allowlist);
	expect_same("a source that has gone", &fixture, &recorded);
	child_release(&recorded);
	fixture_close(&fixture);

	fixture_open(&fixture, "input");
	validate(&fixture, &recorded);
	cr_assert_eq(recorded.status, 1);
	cr_expect_not_null(strstr(recorded.out, "\"error\":\"ENOENT\""), "%s", recorded.out);
	make(&fixture, "input", true);
	expect_same("a source that has come", &fixture, &recorded);
	child_release(&recorded);
	fixture_close(&fixture);
}

Test(validate_replay, a_broken_allowlist_is_repeated)
{
	struct fixture fixture;
	struct child_result recorded;

	fixture_open(&fixture, "input");
	child_write_file(fixture.allowlist, "nonsense: 1\n", 12);
	validate(&fixture, &recorded);
	cr_assert_eq(recorded.status, 1);
	child_write_file(fixture.allowlist, "x", 1);
	expect_same("an allowlist that is none", &fixture, &recorded);
	child_release(&recorded);
	fixture_close(&fixture);
}

static void replace(char *text, const char *find, const char *with)
{
	char *place = strstr(text, find);

	cr_assert(place != NULL && strlen(find) == strlen(with), "%s in %s", find, text);
	memcpy(place, with, strlen(with));
}

/* A record that does not say is an error, and never an answer made up. */
Test(validate_replay, what_is_not_on_record_is_an_error)
{
	static const struct {
		const char *name, *find, *with, *message;
	} rows[] = {
		{"another question", "/input\",\"resolved\"", "/inputs,\"resolved\"", NULL},
		{"a root path less", "{\"path\":\"/usr\"", "{\"path\":\"/uxr\"", "'/usr'"},
		{"no such type", "\"type\":\"directory\"}],\"mounts\"",
		 "\"type\":\"directorx\"}],\"mounts\"", "has no answer about"},
		{"no such origin", "\"origin\":\"file\"", "\"origin\":\"fils\"", "which allowlist"},
		{"questions of another name", "\"asked\":", "\"askee\":", "has no answer about"},
		{"no facts", "\"hostFacts\":", "\"hostFxcts\":", "no hostFacts"},
		{"no overrides", "\"overrides\":", "\"overridez\":", "no hostFacts and overrides"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fixture fixture;
		struct child_result recorded, again;

		fixture_open(&fixture, "input");
		make(&fixture, "input", true);
		validate(&fixture, &recorded);
		cr_assert_eq(recorded.status, 0, "%s", recorded.out);
		if (rows[i].message != NULL)
			replace(recorded.out, rows[i].find, rows[i].with);
		else
			replace(fixture.policy, "/input,", "/inpux,");
		replay(&fixture, recorded.out, recorded.out_len, NULL, &again);
		cr_expect_eq(again.status, 1, "%s: %d %s", rows[i].name, again.status, again.out);
		cr_expect_not_null(strstr(again.out, "SR-EVD-301"), "%s: %s", rows[i].name,
				   again.out);
		if (rows[i].message != NULL)
			cr_expect_not_null(strstr(again.out, rows[i].message), "%s: %s",
					   rows[i].name, again.out);
		child_release(&again);
		child_release(&recorded);
		fixture_close(&fixture);
	}
}

Test(validate_replay, a_record_that_is_none)
{
	static const char *const texts[] = {
		"", "x\n", "{}\n", "[]\n", "{\"a\":1}", "{\"hostFacts\":{},\"overrides\":{}}\n"};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct fixture fixture;
		struct child_result result;

		fixture_open(&fixture, "input");
		replay(&fixture, texts[i], strlen(texts[i]), NULL, &result);
		cr_expect_eq(result.status, 1, "%zu: %d", i, result.status);
		cr_expect_not_null(strstr(result.out, "SR-EVD-301"), "%zu: %s", i, result.out);
		child_release(&result);
		fixture_close(&fixture);
	}
}

Test(validate_replay, nothing_beside_the_record)
{
	static const char *const words[] = {"--set=resources.pids.max=8",
					    "--mount-allowlist=/dev/null"};
	struct fixture fixture;
	struct child_result result;

	fixture_open(&fixture, "input");
	for (size_t i = 0; i < COUNT(words); i++) {
		replay(&fixture, "{}\n", 3, words[i], &result);
		cr_expect_eq(result.status, 2, "%s: %d", words[i], result.status);
		child_release(&result);
	}
	fixture_close(&fixture);
}
