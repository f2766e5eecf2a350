/* SPDX-License-Identifier: Apache-2.0 */
/* What every stage does before its first byte of input, seen from inside a stage that only looks.
 */
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEATH_MS 20000

static struct json_object *look(const char *const argv[], const struct child_options *options)
{
	struct child_result result;
	struct json_object *seen;

	child_run(argv, NULL, 0, options, &result);
	cr_assert_eq(result.status, 0, "status %d: %s", result.status, result.err);
	seen = json_tokener_parse(result.out);
	cr_assert_not_null(seen, "%s", result.out);
	child_release(&result);
	return seen;
}

static void expect_member(struct json_object *object, const char *name, const char *expected)
{
	struct json_object *member = NULL;
	const char *text;

	cr_assert(json_object_object_get_ex(object, name, &member), "no %s", name);
	text = json_object_to_json_string_ext(member, JSON_C_TO_STRING_PLAIN |
							      JSON_C_TO_STRING_NOSLASHESCAPE);
	cr_expect_str_eq(text, expected, "%s", name);
}

/*
 * The descriptor beyond the named ones is the stage's own /proc/self/status, opened before
 * confinement and read back through after it.
 */
Test(skeleton, closes_what_nobody_named)
{
	const char *argv[] = {child_helper("skeleton-stage"), "--fd", "309", NULL};
	struct child_options options = {.keep_fds = {304, 307, 309, 310, 550}};
	struct json_object *seen;

	for (size_t i = 0; i < 5; i++)
		cr_assert_eq(dup2(STDIN_FILENO, options.keep_fds[i]), options.keep_fds[i]);
	seen = look(argv, &options);
	expect_member(seen, "descriptors", "[\"0\",\"1\",\"2\",\"3\",\"309\"]");
	json_object_put(seen);
}

static pid_t start_without(const char *const argv[], unsigned missing, int report_fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid > 0) {
		close(null_fd);
		return pid;
	}
	dup2(report_fd, 9);
	for (int fd = 0; fd < 3; fd++)
		if (missing & 1U << fd)
			close(fd);
		else
			dup2(null_fd, fd);
	close_range(3, 8, 0);
	close_range(10, 4096, 0);
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

/* Every subset of 0, 1, 2 missing: all three exist inside, and the record still comes out. */
Test(skeleton, opens_missing_descriptors)
{
	const char *argv[] = {child_helper("skeleton-stage"), "--record-fd", "9", NULL};

	for (unsigned missing = 1; missing < 8; missing++) {
		char text[4096] = "";
		struct json_object *seen;
		int ends[2], status;
		pid_t pid;

		cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
		pid = start_without(argv, missing, ends[1]);
		close(ends[1]);
		cr_assert_gt(read(ends[0], text, sizeof text - 1), 0, "missing %u", missing);
		close(ends[0]);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_expect_eq(status, 0);
		seen = json_tokener_parse(text);
		expect_member(seen, "descriptors", "[\"0\",\"1\",\"2\",\"3\",\"9\"]");
		json_object_put(seen);
	}
}

Test(skeleton, starts_from_nothing)
{
	static const char *const env[] = {"LD_PRELOAD=/x", "MALLOC_PERTURB_=1", "HOME=/root", NULL};
	const char *argv[] = {child_helper("skeleton-stage"), NULL};
	struct child_options options = {.env = env, .cwd = "/tmp"};
	struct json_object *seen;
	sigset_t blocked;

	signal(SIGUSR1, SIG_IGN);
	signal(SIGRTMIN, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	umask(0);
	seen = look(argv, &options);
	expect_member(seen, "environment", "0");
	expect_member(seen, "directory", "\"/\"");
	expect_member(seen, "umask", "63"); /* 077 */
	expect_member(seen, "blocked", "0");
	expect_member(seen, "ignored", "[\"HUP\",\"INT\",\"QUIT\",\"PIPE\",\"TERM\",\"XFSZ\"]");
	expect_member(seen, "dumpable", "0");
	json_object_put(seen);
}

Test(skeleton, reads_its_command_line)
{
	const char *argv[] = {child_helper("skeleton-stage"),
			      "--number=20",
			      "--text",
			      "--flag",
			      "--list",
			      "a",
			      "--list=b",
			      "--flag",
			      "--",
			      "--operand",
			      NULL};
	struct json_object *seen = look(argv, NULL);

	expect_member(seen, "arguments",
		      "{\"fd\":-1,\"flag\":true,\"list\":2,\"number\":20,"
		      "\"operand\":\"--operand\",\"text\":\"--flag\"}");
	json_object_put(seen);
}

Test(skeleton, refuses_a_wrong_command_line)
{
	static const struct {
		const char *arguments[4];
		const char *says;
	} cases[] = {
		{{"--numbe", "12"}, "there is no option --numbe"},
		{{"--number-", "12"}, "there is no option --number-"},
		{{"--esc\x1b[31m"}, "--esc\\x1b[31m"},
		{{"--number"}, "--number needs a value"},
		{{"--number", "9"}, "not a number from 10 to 20"},
		{{"--number", "21"}, "not a number from 10 to 20"},
		{{"--number", "+12"}, "not a number"},
		{{"--number", " 12"}, "not a number"},
		{{"--number", ""}, "not a number"},
		{{"--number", "0x0c"}, "not a number"},
		{{"--number", "99999999999999999999999"}, "not a number"},
		{{"--number=12", "--number=12"}, "given twice"},
		{{"--flag=yes"}, "takes no value"},
		{{"--fd", "2"}, "not a descriptor"},
		{{"--fd", "-1"}, "not a descriptor"},
		{{"--fd", "4294967299"}, "not a descriptor"},
		{{"--fd", "77"}, "descriptor 77 is not open"},
		{{"--record-fd", "77"}, "descriptor 77 is not open"},
		{{"--parent-pid", "0"}, "not a number"},
		{{"one", "two"}, "unexpected argument 'two'"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *argv[6] = {child_helper("skeleton-stage")};
		struct child_result result;

		memcpy(argv + 1, cases[i].arguments, sizeof cases[i].arguments);
		child_run(argv, NULL, 0, NULL, &result);
		cr_expect_eq(result.status, 2, "case %zu: status %d", i, result.status);
		cr_expect_not_null(strstr(result.err, cases[i].says), "case %zu: %s", i,
				   result.err);
		cr_expect_str_empty(result.out);
		child_release(&result);
	}
}

Test(skeleton, takes_as_many_list_items_as_it_says)
{
	enum { LIMIT = 128 };
	const char *argv[LIMIT + 3] = {child_helper("skeleton-stage")};

	for (int count = LIMIT - 1; count <= LIMIT + 1; count++) {
		struct child_result result;

		for (int i = 1; i <= count; i++)
			argv[i] = "--list=x";
		argv[count + 1] = NULL;
		child_run(argv, NULL, 0, NULL, &result);
		cr_expect_eq(result.status, count <= LIMIT ? 0 : 2, "%d items", count);
		child_release(&result);
	}
}

Test(skeleton, helps_from_the_table)
{
	static const struct {
		const char *option;
		const char *says;
	} cases[] = {
		{"--help", "--number N                   a number from 10 to 20\n"},
		{"--help", "--list T ...                 one of several texts\n"},
		{"--help", "--parent-pid N"},
		{"--version", "skeleton-stage "},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *argv[] = {child_helper("skeleton-stage"), cases[i].option, NULL};
		struct child_result result;

		child_run(argv, NULL, 0, NULL, &result);
		cr_expect_eq(result.status, 0);
		cr_expect_not_null(strstr(result.out, cases[i].says), "%s", result.out);
		child_release(&result);
	}
}

Test(skeleton, refuses_a_parent_that_is_not)
{
	const char *argv[] = {child_helper("skeleton-stage"), "--parent-pid", "1", NULL};
	struct child_result result;

	child_run(argv, NULL, 0, NULL, &result);
	cr_expect_eq(result.status, 3);
	cr_expect_str_empty(result.out);
	cr_expect_not_null(strstr(result.err, "process 1 is not my parent"), "%s", result.err);
	child_release(&result);
}

/* Runs the stage as its child, and stays: until the test kills it, or itself ends early. */
_Noreturn static void be_a_parent(int in_fd, int out_fd)
{
	char pid[16];
	const char *argv[] = {child_helper("skeleton-stage"), "--wait", "--parent-pid", pid, NULL};

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	snprintf(pid, sizeof pid, "%d", getpid());
	if (fork() == 0) {
		dup2(in_fd, 0);
		dup2(out_fd, 1);
		close_range(3, 4096, 0);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(out_fd);
	pause();
	_exit(0);
}

/* Its stdin stays open here all the time: only the parent's death can end it. */
Test(skeleton, dies_with_its_parent)
{
	struct pollfd out = {.events = POLLIN};
	char text[4096];
	int in[2], ends[2];
	pid_t parent;

	cr_assert_eq(pipe2(in, O_CLOEXEC), 0);
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	parent = fork();
	if (parent == 0)
		be_a_parent(in[0], ends[1]);
	close(ends[1]);
	cr_assert_gt(read(ends[0], text, sizeof text), 0); /* confined and running */
	kill(parent, SIGKILL);
	cr_assert_eq(waitpid(parent, NULL, 0), parent);
	out.fd = ends[0];
	cr_assert_eq(poll(&out, 1, DEATH_MS), 1, "the stage outlives its parent");
	cr_expect_eq(read(ends[0], text, sizeof text), 0);
	close(in[1]);
}
