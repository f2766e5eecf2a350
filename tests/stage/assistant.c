/* SPDX-License-Identifier: Apache-2.0 */
/* What the launcher's assistants are given, and what the launcher makes of what they do. */
#include "stages/launch/assistant.h"

#include "ipc/event.h"
#include "ipc/record.h"
#include "sandbox/sandbox.h"
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND_NS 1000000000ULL
#define AMPLE_NS  (60 * SECOND_NS)
#define NOBODY	  65534

static int open_home(void)
{
	char path[4096];

	snprintf(path, sizeof path, "%s", child_helper("assistant-stage"));
	return open(dirname(path), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static struct assistant_plan usual(const char *what)
{
	return (struct assistant_plan){
		.home_fd = open_home(),
		.program = "assistant-stage",
		.path = "launch.test",
		.uid = geteuid(),
		.gid = getegid(),
		.stdin_fd = ASSISTANT_STDIN_NULL,
		.words = {"--do", what},
		.word_count = 2,
		.record_max = RECORD_EVENT_MAX,
		.interrupt_fd = -1,
	};
}

static enum fault_code run_plan(const struct assistant_plan *plan, uint64_t time_ns,
				struct json_object **record, struct fault *fault)
{
	struct assistant assistant;
	enum fault_code code = assistant_start(&assistant, plan, fault);

	if (code == FAULT_NONE)
		code = assistant_result(&assistant, event_boot_ns() + time_ns, record, fault);
	cr_expect_eq(assistant.pid, 0);
	cr_expect_eq(assistant.pidfd, -1);
	cr_expect_eq(assistant.out_fd, -1);
	assistant_stop(&assistant);
	return code;
}

/* Whether there is a child that nobody reaped. */
static bool child_left(void)
{
	return waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
}

static int descriptors_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

Test(assistant, gives_back_one_record_or_says_why_not)
{
	static const struct {
		const char *what, *code, *message;
	} cases[] = {
		{"no-errors", "", ""},
		{"ten", "", ""},
		{"silent", "SR-RUN-002", "assistant-stage told nothing"},
		{"fail", "SR-RUN-002", "assistant-stage ended with status 3"},
		{"fail-late", "SR-RUN-002", "assistant-stage ended with status 3"},
		{"two", "SR-RUN-002", "assistant-stage wrote more than one record"},
		{"not-canonical", "SR-RUN-002", "canonical"},
		{"no-line-feed", "SR-RUN-002", ""},
		{"refuse", "SR-OPS-001", "because"},
		{"refuse-oddly", "SR-RUN-002", "refused, without a word why"},
		{"sigsys", "SR-RUN-002", "killed by SIGSYS: its own filter caught it"},
		{"crash", "SR-RUN-002", "killed by SIGSEGV"},
	};
	int before = descriptors_open();

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assistant_plan plan = usual(cases[i].what);
		struct json_object *record = NULL;
		struct fault fault = {0};
		enum fault_code code = run_plan(&plan, AMPLE_NS, &record, &fault);

		cr_expect_str_eq(fault_code_name(code), cases[i].code, "%s: %s", cases[i].what,
				 fault.message);
		cr_expect_not_null(strstr(fault.message, cases[i].message), "%s: %s", cases[i].what,
				   fault.message);
		cr_expect_eq(record != NULL, code == FAULT_NONE, "%s", cases[i].what);
		json_object_put(record);
		close(plan.home_fd);
	}
	cr_expect_not(child_left());
	cr_expect_eq(descriptors_open(), before);
}

Test(assistant, a_refusal_keeps_its_path)
{
	struct assistant_plan plan = usual("refuse");
	struct json_object *record = NULL;
	struct fault fault = {0};

	cr_assert_eq(run_plan(&plan, AMPLE_NS, &record, &fault), FAULT_HOST_LACKS);
	cr_expect_str_eq(fault.path, "x.y");
	close(plan.home_fd);
}

/* {"a":"12"} has ten bytes. */
Test(assistant, caps_the_record)
{
	for (size_t max = 9; max <= 11; max++) {
		struct assistant_plan plan = usual("ten");
		struct json_object *record = NULL;
		struct fault fault = {0};

		plan.record_max = max;
		cr_expect_eq(run_plan(&plan, AMPLE_NS, &record, &fault) == FAULT_NONE, max >= 10,
			     "%zu: %s", max, fault.message);
		json_object_put(record);
		close(plan.home_fd);
	}
}

Test(assistant, ends_one_that_hangs)
{
	static const char *const cases[] = {"hang", "hang-after"};

	for (size_t i = 0; i < 2; i++) {
		struct assistant_plan plan = usual(cases[i]);
		struct json_object *record = NULL;
		struct fault fault = {0};

		cr_expect_eq(run_plan(&plan, SECOND_NS / 20, &record, &fault), FAULT_RUN_LAUNCH);
		cr_expect_not_null(strstr(fault.message, "not done in time"), "%s: %s", cases[i],
				   fault.message);
		cr_expect_null(record);
		close(plan.home_fd);
	}
	cr_expect_not(child_left());
}

Test(assistant, a_signal_for_the_launcher_ends_the_wait)
{
	struct assistant_plan plan = usual("hang");
	struct json_object *record = NULL;
	struct fault fault = {0};
	int ends[2];

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	cr_assert_eq(write(ends[1], "x", 1), 1);
	plan.interrupt_fd = ends[0];
	cr_expect_eq(run_plan(&plan, AMPLE_NS, &record, &fault), FAULT_RUN_LAUNCH);
	cr_expect_not_null(strstr(fault.message, "signal"), "%s", fault.message);
	cr_expect_not(child_left());
	close(plan.home_fd);
}

Test(assistant, stops_more_than_once)
{
	struct assistant_plan plan = usual("hang");
	struct assistant assistant;
	struct fault fault;

	cr_assert_eq(assistant_start(&assistant, &plan, &fault), FAULT_NONE);
	assistant_stop(&assistant);
	assistant_stop(&assistant);
	cr_expect_not(child_left());
	close(plan.home_fd);
}

Test(assistant, names_the_program_that_is_not_there)
{
	struct assistant_plan plan = usual("silent");
	struct json_object *record = NULL;
	struct fault fault = {0};

	plan.program = "no-such-stage";
	cr_expect_eq(run_plan(&plan, AMPLE_NS, &record, &fault), FAULT_HOST_LACKS);
	cr_expect_not_null(strstr(fault.message, "no-such-stage cannot be started"), "%s",
			   fault.message);
	close(plan.home_fd);
}

Test(assistant, finds_its_home)
{
	int fd = assistant_home();
	char self[4096], name[64];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

	cr_assert_geq(fd, 0);
	cr_assert_gt(len, 0);
	self[len] = '\0';
	snprintf(name, sizeof name, "%s", basename(self));
	cr_expect_eq(faccessat(fd, name, X_OK, 0), 0);
	close(fd);
}

static void expect_text(struct json_object *seen, const char *name, const char *expected)
{
	struct json_object *value = NULL;

	cr_assert(json_object_object_get_ex(seen, name, &value), "no %s", name);
	cr_expect_str_eq(json_object_get_string(value), expected, "%s", name);
}

/*
 * In a process of its own, which confinement is the end of: what the assistant saw comes back in
 * shared memory, being one line of text.
 */
static struct json_object *seen_from(bool confined, const struct assistant_plan *plan,
				     const char *input)
{
	char *text = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct json_object *seen;
	pid_t pid = fork();

	if (pid == 0) {
		struct json_object *record = NULL;
		struct assistant assistant;
		struct fault fault = {0};
		enum fault_code code;

		if (confined)
			sandbox_enter(&sandbox_profile_launch, NULL, 0, 0);
		code = assistant_start(&assistant, plan, &fault);
		if (code == FAULT_NONE && input != NULL)
			(void)!write(assistant.stdin_fd, input, strlen(input));
		if (code == FAULT_NONE)
			code = assistant_result(&assistant, event_boot_ns() + AMPLE_NS, &record,
						&fault);
		snprintf(text, 1 << 16, "%s",
			 code == FAULT_NONE ? json_object_to_json_string(record) : fault.message);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	seen = json_tokener_parse(text);
	cr_assert_not_null(seen, "%s", text);
	munmap(text, 1 << 16);
	return seen;
}

static void expect_bare(struct json_object *seen)
{
	static const char none[] = "0000000000000000";

	expect_text(seen, "CapPrm", none);
	expect_text(seen, "CapEff", none);
	expect_text(seen, "CapInh", none);
	expect_text(seen, "CapAmb", none);
	if (geteuid() == 0)
		expect_text(seen, "CapBnd", none);
	expect_text(seen, "NoNewPrivs", "1");
	expect_text(seen, "Seccomp", "2");
	expect_text(seen, "environment", "0");
	/* 0, 1, 2, the directory, and the skeleton's own /proc/self/status. */
	expect_text(seen, "descriptors", "5");
	expect_text(seen, "dirFd", "1");
	expect_text(seen, "text", "two words");
}

Test(assistant, has_nothing_but_what_it_was_given)
{
	struct assistant_plan plan = usual("look");
	int stray = dup2(STDERR_FILENO, 300);

	cr_assert_eq(stray, 300);
	plan.words[2] = "--text";
	plan.words[3] = "two words";
	plan.word_count = 4;
	plan.fds[0] = (struct assistant_fd){"--dir-fd", open("/", O_PATH | O_CLOEXEC)};
	plan.fd_count = 1;
	for (int confined = 0; confined < 2; confined++) {
		struct json_object *seen = seen_from(confined, &plan, NULL);

		expect_bare(seen);
		expect_text(seen, "stdin", "0");
		expect_text(seen, "Seccomp_filters", confined ? "2" : "1");
		json_object_put(seen);
	}
}

Test(assistant, takes_the_ids_it_is_given)
{
	struct assistant_plan plan = usual("look");

	if (geteuid() != 0) {
		struct json_object *record = NULL;
		struct fault fault;

		plan.uid = NOBODY;
		cr_expect_eq(run_plan(&plan, AMPLE_NS, &record, &fault), FAULT_RUN_LAUNCH);
		return;
	}
	plan.uid = plan.gid = NOBODY;
	plan.words[2] = "--text";
	plan.words[3] = "two words";
	plan.word_count = 4;
	plan.fds[0] = (struct assistant_fd){"--dir-fd", open("/", O_PATH | O_CLOEXEC)};
	plan.fd_count = 1;
	for (int confined = 0; confined < 2; confined++) {
		struct json_object *seen = seen_from(confined, &plan, NULL);

		expect_bare(seen);
		expect_text(seen, "Uid", "65534\t65534\t65534\t65534");
		expect_text(seen, "Gid", "65534\t65534\t65534\t65534");
		expect_text(seen, "Groups", " ");
		json_object_put(seen);
	}
}

Test(assistant, waits_for_a_word_on_stdin)
{
	struct assistant_plan plan = usual("look");
	struct json_object *seen;

	plan.stdin_fd = ASSISTANT_STDIN_PIPE;
	seen = seen_from(true, &plan, "x");
	expect_text(seen, "stdin", "1");
	json_object_put(seen);
}

/* A record it cannot have is no reason to wait for one: its input ends. */
Test(assistant, is_told_a_record_or_that_there_is_none)
{
	static const struct {
		size_t len;
		const char *stdin_seen;
	} records[] = {{1, "1"}, {RECORD_EVENT_MAX, "0"}};
	char *text = malloc(RECORD_EVENT_MAX + 1);

	memset(text, 'x', RECORD_EVENT_MAX);
	for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
		struct assistant_plan plan = usual("look");
		struct json_object *record = json_object_new_object(), *seen = NULL;
		struct assistant assistant;
		struct fault fault;

		text[records[i].len] = '\0';
		json_object_object_add(record, "text", json_object_new_string(text));
		text[records[i].len] = 'x';
		plan.stdin_fd = ASSISTANT_STDIN_PIPE;
		cr_assert_eq(assistant_start(&assistant, &plan, &fault), FAULT_NONE);
		assistant_tell(&assistant, record);
		cr_assert_eq(
			assistant_result(&assistant, event_boot_ns() + AMPLE_NS, &seen, &fault),
			FAULT_NONE, "%s", fault.message);
		expect_text(seen, "stdin", records[i].stdin_seen);
		json_object_put(seen);
		json_object_put(record);
	}
	free(text);
}
