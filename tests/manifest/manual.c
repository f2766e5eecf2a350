/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manual pages say of each program what it says of itself: every program has a page, every
 * option --help lists is in its page, and no page names an option that nothing has.
 */
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LETTERS	    "abcdefghijklmnopqrstuvwxyz"
#define OPTION_MAX  40
#define OPTIONS_MAX 400

/* Options of programs that are not ours: firecracker, jailer, systemd-run. */
static const char *const foreign[] = {"--config-file", "--user", "--scope", "--collect",
				      /* jailer's, and Firecracker's */
				      "--id", "--exec-file", "--uid", "--gid", "--chroot-base-dir",
				      "--resource-limit", "--new-pid-ns", "--cgroup-version",
				      "--parent-cgroup", "--cgroup", "--api-sock", "--netns"};

/* What `safe-run VERB --help` is asked of; the options of all of them are in safe-run(1). */
static const struct verb {
	const char *words[2];
} verbs[] = {
	{{"run"}},
	{{"validate"}},
	{{"compile"}},
	{{"report", "verify"}},
	{{"report", "inspect"}},
	{{"report", "prove"}},
	{{"report", "verify-event"}},
	{{"replay"}},
	{{"artifact", "build"}},
	{{"archive"}},
	{{"key", "generate"}},
	{{"key", "trust"}},
	{{"key", "revoke"}},
	{{"key", "list"}},
	{{"signer"}},
	{{"gc"}},
};

struct options {
	char names[OPTIONS_MAX][OPTION_MAX];
	size_t count;
};

static bool has(const struct options *options, const char *name)
{
	for (size_t i = 0; i < options->count; i++)
		if (strcmp(options->names[i], name) == 0)
			return true;
	return false;
}

/* Every "--name" in text that starts a word. */
static void gather(struct options *options, const char *text)
{
	for (const char *at = strstr(text, "--"); at != NULL; at = strstr(at + 2, "--")) {
		size_t len = 2 + strspn(at + 2, LETTERS "-0123456789");
		char name[OPTION_MAX];

		if ((at > text && (at[-1] == '-' || isalnum((unsigned char)at[-1]))) ||
		    !islower((unsigned char)at[2]))
			continue;
		cr_assert_lt(len, sizeof name, "%.60s", at);
		memcpy(name, at, len);
		name[len] = '\0';
		if (has(options, name))
			continue;
		cr_assert_lt(options->count, OPTIONS_MAX);
		memcpy(options->names[options->count++], name, len + 1);
	}
}

/*
 * A page's text with its minus signs, "\-", as they are printed; NULL when there is no such page.
 * The pages lie beside the build directory, or below the working directory when that is elsewhere.
 */
static char *page_text(const char *name)
{
	char path[4096];
	char *text, *out;

	snprintf(path, sizeof path, "%s/../../man/%s", child_path(""), name);
	text = child_read_file(path, NULL);
	if (text == NULL) {
		snprintf(path, sizeof path, "man/%s", name);
		text = child_read_file(path, NULL);
	}
	if (text == NULL)
		return NULL;
	out = text;
	for (const char *at = text; *at != '\0'; at++)
		if (at[0] != '\\' || at[1] != '-')
			*out++ = *at;
	*out = '\0';
	return text;
}

static void read_page(const char *name, struct options *options)
{
	char *text = page_text(name);

	cr_assert_not_null(text, "there is no page %s", name);
	gather(options, text);
	free(text);
}

/* What a program says of itself: with words in front of --help, NULL for none. */
static void ask(const char *program, const char *const words[2], struct options *options)
{
	const char *argv[5] = {program};
	struct child_result said;
	size_t count = 1;

	for (size_t i = 0; i < 2 && words != NULL && words[i] != NULL; i++)
		argv[count++] = words[i];
	argv[count] = "--help";
	child_run(argv, "", 0, NULL, &said);
	cr_assert_eq(said.status, 0, "%s %s --help: %s", program, argv[1], said.err);
	gather(options, said.out);
	child_release(&said);
}

static void expect_in_page(const struct options *said, const char *page, const char *who)
{
	static struct options written;

	written.count = 0;
	read_page(page, &written);
	for (size_t i = 0; i < said->count; i++)
		cr_expect(has(&written, said->names[i]), "%s of %s is not in %s", said->names[i],
			  who, page);
}

/* Calls visit for each stage beside safe-run. */
static size_t each_stage(void (*visit)(const char *name, struct options *options),
			 struct options *options)
{
	DIR *dir = opendir(child_path(""));
	const struct dirent *entry;
	size_t count = 0;

	cr_assert_not_null(dir, "%s", child_path(""));
	while ((entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, "sr-", 3) == 0) {
			visit(entry->d_name, options);
			count++;
		}
	closedir(dir);
	return count;
}

static void compare_stage(const char *name, struct options *options)
{
	char page[64];

	options->count = 0;
	ask(name, NULL, options);
	snprintf(page, sizeof page, "%.50s.1", name);
	expect_in_page(options, page, name);
}

Test(manual, stages)
{
	static struct options options;

	cr_expect_gt(each_stage(compare_stage, &options), 0);
}

Test(manual, verbs)
{
	static struct options options;

	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		const char *words[2] = {verbs[i].words[0], verbs[i].words[1]};
		char who[64];

		options.count = 0;
		ask("safe-run", words, &options);
		cr_expect_gt(options.count, 0);
		snprintf(who, sizeof who, "safe-run %s%s%s", words[0], words[1] != NULL ? " " : "",
			 words[1] != NULL ? words[1] : "");
		expect_in_page(&options, "safe-run.1", who);
	}
}

/*
 * Each verb of `safe-run help`, two blanks in front of its name, has its part of the manual; what
 * version and help do is in the synopsis.
 */
Test(manual, no_verb_is_missing)
{
	const char *argv[] = {"safe-run", "--help", NULL};
	char *text = page_text("safe-run.1");
	struct child_result said;
	size_t count = 0;

	cr_assert_not_null(text);
	child_run(argv, "", 0, NULL, &said);
	for (const char *line = strstr(said.out, "\n  "); line != NULL;
	     line = strstr(line + 1, "\n  ")) {
		size_t len = strspn(line + 3, LETTERS);
		char heading[64];

		if (len == 0 || strncmp(line + 3, "version ", len + 1) == 0 ||
		    strncmp(line + 3, "help ", len + 1) == 0)
			continue;
		snprintf(heading, sizeof heading, "\n.SS %.*s", (int)len, line + 3);
		cr_expect_not_null(strstr(text, heading), "safe-run.1 has no%s", heading + 4);
		count++;
	}
	cr_expect_geq(count, 10);
	child_release(&said);
	free(text);
}

static void add_help(const char *name, struct options *options)
{
	ask(name, NULL, options);
}

static void add_page(const char *name, struct options *options)
{
	char page[64];

	snprintf(page, sizeof page, "%.50s.1", name);
	read_page(page, options);
}

Test(manual, names_no_option_that_nothing_has)
{
	static const char *const others[] = {"safe-run.1",	   "safe-run-policy.5",
					     "safe-run-host.5",	   "safe-run-report.5",
					     "safe-run-archive.5", "safe-run-ipc.7"};
	static struct options known, written;

	(void)each_stage(add_help, &known);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		ask("safe-run", verbs[i].words, &known);
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
		gather(&known, foreign[i]);
	(void)each_stage(add_page, &written);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		read_page(others[i], &written);
	for (size_t i = 0; i < written.count; i++)
		cr_expect(has(&known, written.names[i]), "%s is in a manual page alone",
			  written.names[i]);
}
