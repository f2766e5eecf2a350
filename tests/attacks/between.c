/* SPDX-License-Identifier: Apache-2.0 */
/* FS10: two runs at the same time, and whether one finds what the other leaves for it. */
#include "tests/attacks/live.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define IN "/opt/in"

static char *shared_dir(void)
{
	char *dir = child_make_dir("between"), path[4200];

	cr_assert_eq(chmod(dir, 0755), 0);
	snprintf(path, sizeof path, "%s/lock", dir);
	child_write_file(path, "x", 1);
	cr_assert_eq(chmod(path, 0644), 0);
	return dir;
}

static void open_run(struct attack *attack, const char *how, const char *dir, const char *profile)
{
	const char *argv[] = {ATTACK_INSIDE "/between", how, IN, NULL};
	char mounts[9000];

	attack_open(attack, argv);
	snprintf(mounts, sizeof mounts,
		 "[{\"read_only\":true,\"source\":\"%s\",\"target\":\"" ATTACK_INSIDE "\"},"
		 "{\"read_only\":true,\"source\":\"%s\",\"target\":\"" IN "\"}]",
		 attack->source, dir);
	attack_set(attack, "mounts", mounts);
	attack_set(attack, "runtime.seccomp", profile);
}

/* What the holder has said by now, until it says "held"; the caller frees it. */
static char *await_held(const struct live *holder)
{
	long long end = attack_now_ms() + 30000;
	char path[4300];
	char *text = NULL;

	snprintf(path, sizeof path, "%s/stdout", holder->attack->dir);
	while (attack_now_ms() < end) {
		free(text);
		text = child_read_file(path, NULL);
		if (text && strstr(text, "held ok\n"))
			return text;
		poll(NULL, 0, 5);
	}
	cr_assert_fail("the holder holds nothing: %s", text ? text : "");
	return text;
}

/* NAMES the looker must not find, beside a holder under the same profile. */
static void expect_apart(const char *profile, const char *const names[])
{
	char *dir = shared_dir();
	struct attack holding, looking;
	struct live holder;

	open_run(&holding, "hold", dir, profile);
	open_run(&looking, "look", dir, profile);
	live_start(&holder, &holding, false);
	char *held = await_held(&holder);
	attack_run(&looking);
	attack_expect_finished(&looking);
	cr_expect_str_eq(attack_said(looking.result.out, "shared"), "ok");
	for (; *names; names++) {
		const char *said = attack_said(looking.result.out, *names);

		cr_expect_str_neq(said, "", "%s was not tried", *names);
		cr_expect_str_neq(said, "ok", "%s: a bit came across; the holder said %s", *names,
				  attack_said(held, *names));
	}
	kill(holder.pid, SIGKILL);
	live_end(&holder, 20000);
	attack_close(&looking);
	attack_close(&holding);
	child_remove_dir(dir);
	free(held);
	free(dir);
}

#define OBJECTS "unix", "tcp", "vsock", "sysv-shm", "sysv-sem", "posix-shm", "tmp", "key", "queue"

Test(attacks, FS10_objects, .timeout = 120)
{
	static const char *const names[] = {OBJECTS, NULL};

	expect_apart("\"standard\"", names);
}

Test(attacks, FS10_locks_and_watches_under_strict, .timeout = 120)
{
	static const char *const names[] = {OBJECTS, "flock", "record-lock", "watch", NULL};

	expect_apart("\"strict\"", names);
}

static const char *const files_ways[] = {"lease", "flock", "record", "ofd"};

/* What the looker must not have found, and that it looked. */
static void expect_unnoticed(const char *out, const char *path, bool of_host)
{
	char name[4300];

	snprintf(name, sizeof name, "open:%s", path);
	cr_expect_str_eq(attack_said(out, name), "ok", "%s", out);
	/* The host's own lease learns that somebody has the file open; the host may. */
	for (size_t i = of_host; i < sizeof files_ways / sizeof *files_ways; i++) {
		snprintf(name, sizeof name, "%s:%s", files_ways[i], path);
		cr_expect_str_neq(attack_said(out, name), "", "%s was not tried", name);
		cr_expect_str_neq(attack_said(out, name), "ok", "%s: a bit came across", name);
	}
}

/* A file below a directory, a file alone, files of the root, and a device where it is our own. */
static size_t files_of(const char *dir, bool inside, char paths[5][4300])
{
	size_t count = 0;

	snprintf(paths[count++], 4300, "%s/lock", inside ? IN : dir);
	snprintf(paths[count++], 4300, "%s", inside ? "/opt/alone" : "");
	if (!inside)
		snprintf(paths[count - 1], 4300, "%s/alone", dir);
	snprintf(paths[count++], 4300, "/usr/bin/env");
	snprintf(paths[count++], 4300, "/etc/services");
	if (attack_is_root())
		snprintf(paths[count++], 4300, "/dev/zero");
	return count;
}

static void open_files_run(struct attack *attack, const char *how, const char *dir,
			   const char *rootfs)
{
	char mounts[9000], paths[5][4300], value[4300];
	const char *argv[8] = {ATTACK_INSIDE "/between", how};
	size_t count = files_of(dir, true, paths), given = 2;

	/* In a root of the policy's own there is one file. */
	for (size_t i = 0; i < count && rootfs == NULL; i++)
		argv[given++] = paths[i];
	if (rootfs != NULL)
		argv[given++] = "/file";
	attack_open(attack, argv);
	snprintf(mounts, sizeof mounts,
		 "[{\"read_only\":true,\"source\":\"%s\",\"target\":\"" ATTACK_INSIDE "\"},"
		 "{\"read_only\":true,\"source\":\"%s\",\"target\":\"" IN "\"},"
		 "{\"read_only\":true,\"source\":\"%s/alone\",\"target\":\"/opt/alone\"}]",
		 attack->source, dir, dir);
	attack_set(attack, "mounts", mounts);
	attack_set(attack, "runtime.seccomp", "\"standard\"");
	if (rootfs == NULL)
		return;
	snprintf(value, sizeof value, "\"%s\"", rootfs);
	attack_set(attack, "runtime.rootfs", value);
}

static char *shared_files(void)
{
	char *dir = shared_dir(), path[4300];

	snprintf(path, sizeof path, "%s/alone", dir);
	child_write_file(path, "x", 1);
	cr_assert_eq(chmod(path, 0644), 0);
	return dir;
}

/* Nothing of what the holder has done is found, and nothing of what is done now is noticed. */
static void expect_files_apart(const char *rootfs)
{
	char *dir = shared_files(), paths[5][4300], name[64];
	size_t count = files_of(dir, true, paths);
	struct attack holding, looking;
	struct live holder;

	open_files_run(&holding, "files-hold", dir, rootfs);
	open_files_run(&looking, "files-look", dir, rootfs);
	live_start(&holder, &holding, false);
	char *held = await_held(&holder);
	snprintf(name, sizeof name, "watch:%s", rootfs ? "/file" : "/usr/bin/env");
	cr_expect_str_eq(attack_said(held, name), "ok", "%s", held);
	free(held);
	attack_run(&looking);
	attack_expect_finished(&looking);
	for (size_t i = 0; i < count && rootfs == NULL; i++)
		expect_unnoticed(looking.result.out, paths[i], false);
	if (rootfs != NULL)
		expect_unnoticed(looking.result.out, "/file", false);
	held = await_held(&holder);
	cr_expect_null(strstr(held, "noticed"), "an open was noticed: %s", held);
	kill(holder.pid, SIGKILL);
	live_end(&holder, 20000);
	attack_close(&looking);
	attack_close(&holding);
	child_remove_dir(dir);
	free(held);
	free(dir);
}

Test(attacks, FS10_files_under_standard, .timeout = 120)
{
	expect_files_apart(NULL);
}

Test(attacks, FS10_files_of_a_shared_root, .timeout = 120)
{
	char *root = child_make_dir("root"), path[4300];

	cr_assert_eq(chmod(root, 0755), 0);
	snprintf(path, sizeof path, "%s/file", root);
	child_write_file(path, "x", 1);
	cr_assert_eq(chmod(path, 0644), 0);
	expect_files_apart(root);
	child_remove_dir(root);
	free(root);
}

/* The host's own programs are as far away: a bare looker beside a run that holds. */
Test(attacks, FS10_files_of_the_host, .timeout = 120)
{
	char *dir = shared_files(), paths[5][4300];
	size_t count = files_of(dir, false, paths);
	const char *argv[8] = {"between", "files-look"};
	struct child_result looking;
	struct attack holding;
	struct live holder;

	for (size_t i = 0; i < 2; i++)
		argv[2 + i] = paths[i];
	cr_assert_gt(count, 2);
	open_files_run(&holding, "files-hold", dir, NULL);
	live_start(&holder, &holding, false);
	free(await_held(&holder));
	attack_bare(argv, &looking);
	for (size_t i = 0; i < 2; i++)
		expect_unnoticed(looking.out, paths[i], true);
	char *held = await_held(&holder);
	cr_expect_null(strstr(held, "noticed"), "an open was noticed: %s", held);
	kill(holder.pid, SIGKILL);
	live_end(&holder, 20000);
	child_release(&looking);
	attack_close(&holding);
	child_remove_dir(dir);
	free(held);
	free(dir);
}

/* A holder without protection, until it has said "held"; *said goes on with what it notices. */
static pid_t hold_bare(const char *dir, FILE **said)
{
	const char *program = attack_program("between");
	char paths[5][4300], *line = NULL;
	size_t size = 0;
	int ends[2];

	files_of(dir, false, paths);
	cr_assert_eq(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		execl(program, program, "files-hold", paths[0], paths[1], NULL);
		_exit(127);
	}
	close(ends[1]);
	*said = fdopen(ends[0], "r");
	while (getline(&line, &size, *said) > 0 && strcmp(line, "held ok\n") != 0)
		;
	free(line);
	return pid;
}

/* The control: without a sandbox each of the ways leads across. */
Test(attacks, FS10_files_control, .timeout = 120)
{
	char *dir = shared_files(), paths[5][4300], name[4400], line[64] = "";
	struct child_result looking;
	FILE *said;
	pid_t pid = hold_bare(dir, &said);

	files_of(dir, false, paths);
	attack_bare((const char *const[]){"between", "files-look", paths[0], paths[1], NULL},
		    &looking);
	for (size_t i = 0; i < 2 * (sizeof files_ways / sizeof *files_ways); i++) {
		snprintf(name, sizeof name, "%s:%s", files_ways[i / 2], paths[i % 2]);
		cr_expect_str_eq(attack_said(looking.out, name), "ok", "%s: %s", name, looking.out);
	}
	cr_expect_not_null(fgets(line, sizeof line, said));
	cr_expect_str_eq(line, "noticed ok\n");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	child_release(&looking);
	fclose(said);
	child_remove_dir(dir);
	free(dir);
}

/* The control: on the host nearly all of it comes across. */
Test(attacks, FS10_control, .timeout = 120)
{
	static const char *const across[] = {"unix", "tcp",   "sysv-shm",    "sysv-sem",
					     "tmp",  "flock", "record-lock", "watch"};
	char *dir = shared_dir(), *out = NULL;
	const char *program = attack_program("between");
	struct child_result looking;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		execl(program, program, "hold", dir, NULL);
		_exit(127);
	}
	close(ends[1]);
	FILE *said = fdopen(ends[0], "r");
	size_t size = 0;
	while (getline(&out, &size, said) > 0 && strcmp(out, "held ok\n") != 0)
		;
	attack_bare((const char *const[]){"between", "look", dir, NULL}, &looking);
	for (size_t i = 0; i < sizeof across / sizeof *across; i++)
		cr_expect_str_eq(attack_said(looking.out, across[i]), "ok", "%s", across[i]);
	kill(pid, SIGKILL);
	child_release(&looking);
	fclose(said);
	shmctl(shmget(0x5afe4a11, 0, 0), IPC_RMID, NULL);
	semctl(semget(0x5afe4a11, 0, 0), 0, IPC_RMID);
	unlink("/tmp/safe-run-between");
	unlink("/dev/shm/safe-run-between");
	child_remove_dir(dir);
	free(out);
	free(dir);
}
