/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launcher of a machine, or all of safe-run, killed at once: no process of the run survives, and
 * what is left on the disk is removed by gc.
 */
#include "tests/machine/machine.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESS_MAX 64
#define WAIT_MS	    40000
#define STEP_US	    2000
#define BIG	    (300L << 20) /* what takes a while to make an image of */

enum moment { IMAGES_IN_THE_MAKING, THE_VMM_STARTS, THE_COMMAND_RUNS };

struct victim {
	char *dir;
	char store[1024], allowlist[1024], policy[1024];
	struct run run;
	pid_t pid;
	int out_fd;
	pid_t pids[PROCESS_MAX]; /* safe-run's, and all below it */
	int pidfds[PROCESS_MAX];
	size_t count;
};

static bool read_stat(pid_t pid, char name[32], pid_t *parent)
{
	char path[64], text[512] = "";
	const char *end;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof text - 1) <= 0) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	close(fd);
	end = strrchr(text, ')');
	return end != NULL && sscanf(text, "%*d (%31[^)]", name) == 1 &&
	       sscanf(end + 1, " %*c %d", parent) == 1;
}

static bool is_below(const struct victim *victim, pid_t parent)
{
	for (size_t i = 0; i < victim->count; i++)
		if (victim->pids[i] == parent)
			return true;
	return false;
}

static void list_below(struct victim *victim)
{
	size_t before = 0;

	victim->pids[0] = victim->pid;
	for (victim->count = 1; before != victim->count;) {
		DIR *proc = opendir("/proc");
		const struct dirent *entry;

		before = victim->count;
		while ((entry = readdir(proc)) != NULL && victim->count < PROCESS_MAX) {
			pid_t pid = atoi(entry->d_name), parent = 0;
			char name[32];

			if (pid > 0 && !is_below(victim, pid) && read_stat(pid, name, &parent) &&
			    is_below(victim, parent))
				victim->pids[victim->count++] = pid;
		}
		closedir(proc);
	}
}

/* The first of that name; 0: none. The launcher comes before its own children of the same name. */
static pid_t find(const struct victim *victim, const char *wanted)
{
	for (size_t i = 0; i < victim->count; i++) {
		char name[32];
		pid_t parent;

		if (read_stat(victim->pids[i], name, &parent) &&
		    strncmp(name, wanted, strlen(wanted)) == 0)
			return victim->pids[i];
	}
	return 0;
}

static bool has_come(struct victim *victim, enum moment moment)
{
	struct pollfd item = {.fd = victim->out_fd, .events = POLLIN};
	char path[2048];

	switch (moment) {
	case IMAGES_IN_THE_MAKING:
		snprintf(path, sizeof path, "%s/work/unpack/image", victim->store);
		return access(path, F_OK) == 0;
	case THE_VMM_STARTS:
		list_below(victim);
		return find(victim, "qemu") != 0;
	case THE_COMMAND_RUNS:
		return poll(&item, 1, 0) > 0;
	}
	return false;
}

static void start(struct victim *victim, long size)
{
	char artifacts[4096], text[4096];
	const char **argv;
	FILE *file;
	int out[2];

	*victim = (struct victim){.dir = child_make_dir("machine-gone")};
	cr_assert_eq(chmod(victim->dir, 0755), 0);
	victim->run.base = child_make_dir("machine-gone-base");
	snprintf(victim->store, sizeof victim->store, "%s/store", victim->dir);
	snprintf(victim->allowlist, sizeof victim->allowlist, "%s/allow.yaml", victim->dir);
	snprintf(victim->policy, sizeof victim->policy, "%s/policy.yaml", victim->dir);
	cr_assert_eq(setenv("SAFE_RUN_STORE", victim->store, 1), 0);
	snprintf(text, sizeof text, "%s/data", victim->dir);
	cr_assert_eq(mkdir(text, 0755), 0);
	strcat(text, "/big");
	child_write_file(text, "x", 1);
	cr_assert(chmod(text, 0644) == 0 && truncate(text, size) == 0);
	file = fopen(victim->allowlist, "w");
	fprintf(file,
		"schemaVersion: safe-run.mount-allowlist/v1\nhostAllowPrefixes: [%s]\n"
		"guestAllowPrefixes: [/data]\n",
		victim->dir);
	fclose(file);
	file = fopen(victim->policy, "w");
	fprintf(file,
		"apiVersion: policy.safe-run.dev/v1alpha1\nmetadata: {name: gone}\n"
		"runtime: {command: sh, args: [-c, 'echo x; sleep 100']}\n"
		"resources: {cpu: {max: max 100000}, memory: {max: 128Mi}}\n"
		"mounts: [{source: %s/data, target: /data, read_only: true}]\n"
		"audit: {level: basic}\n",
		victim->dir);
	fclose(file);
	snprintf(artifacts, sizeof artifacts, "%s/good", child_helper("artifacts"));
	argv = run_argv(victim->run.base,
			WORDS("--isolation", "microvm", "--artifacts", artifacts, "--policy",
			      victim->policy, "--mount-allowlist", victim->allowlist),
			NULL);
	cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
	victim->pid = fork();
	if (victim->pid == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		execv(argv[0], (char *const *)argv);
		_exit(99);
	}
	close(out[1]);
	victim->out_fd = out[0];
}

static void wait_for(struct victim *victim, enum moment moment)
{
	for (long waited = 0; !has_come(victim, moment); waited += STEP_US) {
		cr_assert_lt(waited, WAIT_MS * 1000L, "moment %d does not come", moment);
		usleep(STEP_US);
	}
	list_below(victim);
	for (size_t i = 0; i < victim->count; i++)
		victim->pidfds[i] = pidfd_open(victim->pids[i], 0);
}

/* Stopped first, so that none of them sees another one's end. */
static void kill_all(const struct victim *victim)
{
	for (size_t i = 0; i < victim->count; i++)
		(void)kill(victim->pids[i], SIGSTOP);
	for (size_t i = 0; i < victim->count; i++)
		(void)kill(victim->pids[i], SIGKILL);
}

static void expect_gone(struct victim *victim, enum moment moment)
{
	for (size_t i = 0; i < victim->count; i++) {
		struct pollfd item = {.fd = victim->pidfds[i], .events = POLLIN};
		char name[32] = "?";
		pid_t parent;

		if (victim->pidfds[i] < 0)
			continue;
		(void)read_stat(victim->pids[i], name, &parent);
		cr_expect(poll(&item, 1, WAIT_MS) > 0, "moment %d: %s is still there", moment,
			  name);
		close(victim->pidfds[i]);
	}
}

static int count_below(const char *path)
{
	struct dirent **list = NULL;
	int count = scandir(path, &list, NULL, NULL);

	for (int i = 0; i < count; i++)
		free(list[i]);
	free(list);
	return count - 2; /* "." and ".." */
}

static void expect_swept(struct victim *victim, bool all, enum moment moment)
{
	const char *const argv[] = {child_path("safe-run"), "gc", "--workdir", victim->run.base,
				    NULL};
	struct child_result result;
	char path[2048];

	run_sweep(&victim->run);
	child_run(argv, "", 0, NULL, &result);
	cr_expect_eq(result.status, 0, "moment %d: %s%s", moment, result.out, result.err);
	child_release(&result);
	snprintf(path, sizeof path, "%s/work", victim->store);
	cr_expect_lt(access(path, F_OK), 0, "moment %d: an image in the making is left", moment);
	/* Where somebody was left to seal it the run has its report, which is not rubbish. */
	cr_expect_eq(count_below(victim->run.base), all ? 0 : 1, "moment %d", moment);
}

static void die(enum moment moment, bool all)
{
	struct victim victim;
	int status;

	start(&victim, moment == IMAGES_IN_THE_MAKING ? BIG : 1);
	wait_for(&victim, moment);
	if (all)
		kill_all(&victim);
	else
		cr_assert_eq(kill(find(&victim, "sr-launch"), SIGKILL), 0);
	cr_assert_eq(waitpid(victim.pid, &status, 0), victim.pid);
	expect_gone(&victim, moment);
	expect_swept(&victim, all, moment);
	close(victim.out_fd);
	child_remove_dir(victim.dir);
	child_remove_dir(victim.run.base);
}

Test(machine_gone, while_an_image_is_made)
{
	die(IMAGES_IN_THE_MAKING, false);
	die(IMAGES_IN_THE_MAKING, true);
}

Test(machine_gone, while_the_vmm_starts)
{
	die(THE_VMM_STARTS, false);
	die(THE_VMM_STARTS, true);
}

Test(machine_gone, while_the_command_runs)
{
	die(THE_COMMAND_RUNS, false);
	die(THE_COMMAND_RUNS, true);
}

/* Beside what is to be made: a build that was killed is swept by the next one, one that runs is not. */
Test(machine_gone, builds)
{
	char *dir = child_make_dir("machine-builds");
	char out[1024], dead[2048], file[4096], live[2048];
	const char *const argv[] = {child_path("safe-run"),
				    "artifact",
				    "build",
				    "--kernel",
				    "/no/such/kernel",
				    "--rootfs",
				    dir,
				    "--out",
				    out,
				    NULL};
	struct child_result result;
	int fd;

	snprintf(out, sizeof out, "%s/below/[a]", dir);
	snprintf(dead, sizeof dead, "%s.work-abcdef", out);
	snprintf(live, sizeof live, "%s.new-abcdef", out);
	snprintf(file, sizeof file, "%s/root", dead);
	snprintf(out, sizeof out, "%s/below", dir);
	cr_assert_eq(mkdir(out, 0755), 0);
	strcat(out, "/[a]");
	cr_assert(mkdir(dead, 0700) == 0 && mkdir(live, 0700) == 0 && mkdir(file, 0700) == 0);
	fd = open(live, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_eq(flock(fd, LOCK_EX), 0);
	child_run(argv, "", 0, NULL, &result);
	cr_expect_eq(result.status, 1, "%s", result.err);
	cr_expect_lt(access(dead, F_OK), 0);
	cr_expect_eq(access(live, F_OK), 0);
	child_release(&result);
	close(fd);
	child_run(argv, "", 0, NULL, &result);
	cr_expect_lt(access(live, F_OK), 0);
	child_release(&result);
	child_remove_dir(dir);
	free(dir);
}

static void put_volume(const char *store, const char *name, time_t used)
{
	const struct timespec times[] = {{.tv_sec = used}, {.tv_sec = used}};
	char path[2048];

	snprintf(path, sizeof path, "%s/volumes/%s", store, name);
	cr_assert_eq(mkdir(path, 0700), 0);
	strcat(path, "/image");
	child_write_file(path, "x", 1);
	*strrchr(path, '/') = '\0';
	cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Images nobody used for a week; and the use of one is seen. */
Test(machine_gone, images_out_of_use)
{
	char *dir = child_make_dir("machine-store"), *base = child_make_dir("machine-store-base");
	const char *const argv[] = {child_path("safe-run"), "gc", "--workdir", base, NULL};
	time_t now = time(NULL), week = 7 * 24 * 3600L;
	struct child_result result;
	char path[1024];

	cr_assert_eq(setenv("SAFE_RUN_STORE", dir, 1), 0);
	snprintf(path, sizeof path, "%s/volumes", dir);
	cr_assert_eq(mkdir(path, 0700), 0);
	put_volume(dir, "old", now - week - 60);
	put_volume(dir, "young", now - week + 3600);
	snprintf(path, sizeof path, "%s/lock", dir);
	child_write_file(path, "", 0);
	child_run(argv, "", 0, NULL, &result);
	cr_expect_eq(result.status, 0, "%s", result.err);
	child_release(&result);
	snprintf(path, sizeof path, "%s/volumes/old", dir);
	cr_expect_lt(access(path, F_OK), 0);
	snprintf(path, sizeof path, "%s/volumes/young", dir);
	cr_expect_eq(access(path, F_OK), 0);
	child_remove_dir(dir);
	child_remove_dir(base);
	free(dir);
	free(base);
}
