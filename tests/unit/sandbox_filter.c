/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filtergen by its vectors: what it accepts is run, call by call, the way the kernel runs a seccomp
 * program; what it rejects must be rejected for the reason the file says.
 */
#include "tests/support/bpf.h"
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VECTORS	       "tests/vectors/filter/"
#define PROGRAM_MAX    4096
#define CASES_AT_LEAST 4

static size_t parse_program(const char *text, struct sock_filter *program)
{
	size_t count = 0;
	unsigned code, jt, jf, k;

	for (const char *at = text; (at = strstr(at, "\t{")) != NULL; at++) {
		if (sscanf(at, "\t{%x, %u, %u, %x}", &code, &jt, &jf, &k) != 4)
			continue;
		cr_assert_lt(count, PROGRAM_MAX);
		program[count++] = (struct sock_filter){(unsigned short)code, (unsigned char)jt,
							(unsigned char)jf, k};
	}
	return count;
}

static uint32_t answer_value(const char *name)
{
	static const struct {
		const char *name;
		uint32_t value;
	} answers[] = {
		{"allow", SECCOMP_RET_ALLOW},	    {"kill", SECCOMP_RET_KILL_PROCESS},
		{"enosys", SECCOMP_RET_ERRNO | 38}, {"eperm", SECCOMP_RET_ERRNO | 1},
		{"eacces", SECCOMP_RET_ERRNO | 13}, {"eafnosupport", SECCOMP_RET_ERRNO | 97},
	};

	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
		if (strcmp(answers[i].name, name) == 0)
			return answers[i].value;
	cr_assert_fail("no answer '%s'", name);
	return 0;
}

/* "CALL ARGUMENT... -> ANSWER" */
static void ask(const char *file, char *question, const struct sock_filter *program, size_t count)
{
	struct seccomp_data data = {.arch = seccomp_arch_native()};
	char shown[256], *rest = question, *word;
	size_t arguments = 0;
	char *end;

	snprintf(shown, sizeof shown, "%s", question);
	word = strsep(&rest, " ");
	data.nr = (int)strtoul(word, &end, 0);
	if (*end)
		data.nr = seccomp_syscall_resolve_name(word);
	cr_assert(*end == '\0' || data.nr >= 0, "%s: %s", file, word);
	while ((word = strsep(&rest, " ")) && strcmp(word, "->") != 0)
		data.args[arguments++] = strtoull(word, NULL, 0);
	cr_assert_not_null(rest, "%s: %s", file, shown);
	cr_expect_eq(bpf_run(program, count, &data), answer_value(rest), "%s: %s", file, shown);
	data.arch = AUDIT_ARCH_I386;
	cr_expect_eq(bpf_run(program, count, &data), SECCOMP_RET_KILL_PROCESS, "%s: i386: %s", file,
		     shown);
}

static void run_filtergen(const char *path, struct child_result *result)
{
	const char *argv[] = {child_helper("../tool/filtergen"), "x", path, NULL};

	child_run(argv, NULL, 0, NULL, result);
}

static void try_accepted(const char *path)
{
	static struct sock_filter program[PROGRAM_MAX];
	struct child_result result;
	char *text = child_read_file(path, NULL), *rest = text, *line;
	size_t count, asked = 0;

	run_filtergen(path, &result);
	cr_assert_eq(result.status, 0, "%s: %s", path, result.err);
	count = parse_program(result.out, program);
	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, "#? ", 3) != 0)
			continue;
		ask(path, line + 3, program, count);
		asked++;
	}
	cr_expect_gt(asked, 0, "%s asks nothing", path);
	child_release(&result);
	free(text);
}

static void try_rejected(const char *path)
{
	struct child_result result;
	char *text = child_read_file(path, NULL);
	char *says = strstr(text, "# says: ");

	cr_assert_not_null(says, "%s", path);
	says += strlen("# says: ");
	says[strcspn(says, "\n")] = '\0';
	run_filtergen(path, &result);
	cr_expect_eq(result.status, 1, "%s: %d", path, result.status);
	cr_expect_not_null(strstr(result.err, says), "%s: %s", path, result.err);
	cr_expect_str_empty(result.out, "%s", path);
	child_release(&result);
	free(text);
}

static void each_file(const char *directory, void (*try_file)(const char *path))
{
	DIR *stream = opendir(directory);
	struct dirent *entry;
	size_t count = 0;
	char path[512];

	cr_assert_not_null(stream, "%s: run from the top of the tree", directory);
	while ((entry = readdir(stream))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s%s", directory, entry->d_name);
		try_file(path);
		count++;
	}
	closedir(stream);
	cr_expect_geq(count, CASES_AT_LEAST);
}

Test(filtergen, means_what_it_reads_like)
{
	each_file(VECTORS "accept/", try_accepted);
}

Test(filtergen, says_why_not)
{
	each_file(VECTORS "reject/", try_rejected);
}
