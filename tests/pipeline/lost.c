/* SPDX-License-Identifier: Apache-2.0 */
/* Any stage may be killed at any moment: the workload dies with the run, and seal says so. */
#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 30000

struct victim {
	struct run run;
	pid_t pid; /* of safe-run */
	int out_fd;
	int err_fd;
};

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void victim_start(struct victim *victim, const char *const command[])
{
	const char **argv;
	char path[4096];
	int out[2];

	memset(victim, 0, sizeof(*victim));
	victim->run.base = child_make_dir("sr-lost");
	/* No sample comes along to find a broken pipe: each stage must look for itself. */
	argv = run_argv(victim->run.base, WORDS("--sample-ms", "3600000"), command);
	cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
	snprintf(path, sizeof(path), "%s/stderr", victim->run.base);
	victim->err_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	victim->pid = fork();
	cr_assert_geq(victim->pid, 0);
	if (victim->pid == 0) {
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(out[1], 1);
		dup2(victim->err_fd, 2);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(out[1]);
	victim->out_fd = out[0];
	free(argv);
}

static void victim_await(struct victim *victim, const char *text)
{
	char seen[256] = "";
	size_t len = 0;

	while (strstr(seen, text) == NULL) {
		struct pollfd ready = {.fd = victim->out_fd, .events = POLLIN};
		ssize_t got;

		cr_assert_gt(poll(&ready, 1, PATIENCE_MS), 0, "'%s' never came", text);
		got = read(victim->out_fd, seen + len, sizeof(seen) - 1 - len);
		cr_assert_gt(got, 0, "'%s' never came, only: %s", text, seen);
		len += (size_t)got;
	}
}

static bool names(pid_t pid, const char *name)
{
	char path[64], comm[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	if (fgets(comm, sizeof(comm), file) == NULL)
		comm[0] = '\0';
	fclose(file);
	comm[strcspn(comm, "\n")] = '\0';
	return strcmp(comm, name) == 0;
}

/* The stage of that name among safe-run's children; 0 when there is none. */
static pid_t stage_of(const struct victim *victim, const char *name)
{
	char path[64], list[256] = "", *rest = list, *word;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)victim->pid,
		 (int)victim->pid);
	file = fopen(path, "re");
	if (file == NULL || fgets(list, sizeof(list), file) == NULL)
		list[0] = '\0';
	if (file != NULL)
		fclose(file);
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0' && names((pid_t)atoi(word), name))
			return (pid_t)atoi(word);
	return 0;
}

/* A process whose command line holds mark, as a pidfd; -1 when there is none. */
static int find_workload(const char *mark)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	int found = -1;

	while (found < 0 && (entry = readdir(proc)) != NULL) {
		char path[300], line[512];
		ssize_t len;
		int fd;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		len = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
		if (fd >= 0)
			close(fd);
		/* sleep MARK, and no shell or safe-run that has it among its words */
		if (len > 0 && (size_t)len == strlen("sleep") + 1 + strlen(mark) + 1 &&
		    memcmp(line, "sleep", 6) == 0 && strcmp(line + 6, mark) == 0)
			found = pidfd_open(atoi(entry->d_name), 0);
	}
	closedir(proc);
	return found;
}

static void expect_gone(const char *mark)
{
	int fd;

	while ((fd = find_workload(mark)) >= 0) {
		struct pollfd ended = {.fd = fd, .events = POLLIN};

		cr_assert_gt(poll(&ended, 1, PATIENCE_MS), 0, "the workload outlived its run");
		close(fd);
	}
}

static void victim_finish(struct victim *victim)
{
	int pidfd = pidfd_open(victim->pid, 0), status;
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};
	char path[4096];

	if (poll(&ended, 1, PATIENCE_MS) <= 0) {
		kill(victim->pid, SIGKILL);
		cr_assert_fail("safe-run hangs");
	}
	close(pidfd);
	waitpid(victim->pid, &status, 0);
	victim->run.child.status =
		WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	snprintf(path, sizeof(path), "%s/stderr", victim->run.base);
	victim->run.child.err = child_read_file(path, &victim->run.child.err_len);
	close(victim->out_fd);
	close(victim->err_fd);
	run_collect(&victim->run);
}

static void expect_lost(struct victim *victim, const char *stage)
{
	const char *cause;
	char said[64];

	snprintf(said, sizeof(said), "%s was killed by SIGKILL", stage);
	cr_expect_not_null(strstr(victim->run.child.err, said), "%s", victim->run.child.err);
	if (strcmp(stage, "sr-seal") == 0) {
		cr_expect_eq(victim->run.child.status, 125);
		cr_expect_not_null(strstr(victim->run.child.err, "SR-EVD-002"), "%s",
				   victim->run.child.err);
		return;
	}
	/* Before the launcher began there was a run that could not be set up, not one that was
	 * lost. */
	cause = run_text(&victim->run, "outcome.cause");
	cr_expect(strcmp(cause, "stage-lost") == 0 || strcmp(cause, "setup") == 0, "%s", cause);
	run_expect(&victim->run, 125, cause);
	if (strcmp(cause, "stage-lost") == 0)
		cr_expect(run_has_event(&victim->run, "stage.killed"), "%s", stage);
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == pid;
}

static void victim_release(struct victim *victim)
{
	run_sweep(&victim->run);
	run_release(&victim->run);
}

static const char *const running[] = {"sr-launch", "sr-monitor", "sr-seal"};

Test(lost, while_the_command_runs)
{
	for (size_t i = 0; i < sizeof(running) / sizeof(running[0]); i++) {
		char mark[32], script[96];
		struct victim victim;

		snprintf(mark, sizeof(mark), "9%d%zu", (int)getpid(), i);
		snprintf(script, sizeof(script), "echo started; exec sleep %s", mark);
		victim_start(&victim, WORDS("sh", "-c", script));
		victim_await(&victim, "started");
		cr_assert_eq(kill(stage_of(&victim, running[i]), SIGKILL), 0);
		victim_finish(&victim);
		expect_lost(&victim, running[i]);
		expect_gone(mark);
		victim_release(&victim);
	}
}

/* As soon as it is seen: before, in or just after its confinement. It may have ended by itself. */
static bool kill_early(const char *stage)
{
	long long deadline_ms = now_ms() + PATIENCE_MS;
	struct victim victim;
	pid_t pid = 0;
	bool hit;

	victim_start(&victim, WORDS("true"));
	while (pid == 0 && now_ms() < deadline_ms && !has_ended(victim.pid))
		pid = stage_of(&victim, stage);
	if (pid != 0)
		kill(pid, SIGKILL);
	victim_finish(&victim);
	hit = strstr(victim.run.child.err, "was killed by SIGKILL") != NULL;
	/* Killed with its work done, or not at all: then the run is whole. */
	if (hit && victim.run.child.status != 0)
		expect_lost(&victim, stage);
	else
		run_expect(&victim.run, 0, "exit");
	victim_release(&victim);
	return hit;
}

Test(lost, at_the_start)
{
	static const char *const stages[] = {"sr-validate", "sr-compile", "sr-launch", "sr-monitor",
					     "sr-seal"};

	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		size_t hits = 0;

		for (size_t round = 0; round < 50 && hits < 5; round++)
			hits += kill_early(stages[i]);
		cr_expect_gt(hits, 0, "%s was never met alive", stages[i]);
	}
}

/* The front-end itself: nobody is left to seal for, but nothing goes on running. */
Test(lost, front_end_killed)
{
	int stages[sizeof(running) / sizeof(running[0])];
	char mark[32], script[96];
	struct victim victim;

	snprintf(mark, sizeof(mark), "7%d", (int)getpid());
	snprintf(script, sizeof(script), "echo started; exec sleep %s", mark);
	victim_start(&victim, WORDS("sh", "-c", script));
	victim_await(&victim, "started");
	for (size_t i = 0; i < sizeof(running) / sizeof(running[0]); i++)
		stages[i] = pidfd_open(stage_of(&victim, running[i]), 0);
	kill(victim.pid, SIGKILL);
	for (size_t i = 0; i < sizeof(running) / sizeof(running[0]); i++) {
		struct pollfd ended = {.fd = stages[i], .events = POLLIN};

		cr_assert_geq(stages[i], 0);
		cr_assert_gt(poll(&ended, 1, PATIENCE_MS), 0, "%s outlived safe-run", running[i]);
		close(stages[i]);
	}
	victim_finish(&victim);
	expect_gone(mark);
	cr_expect_eq(victim.run.child.status, 137);
	victim_release(&victim);
}
