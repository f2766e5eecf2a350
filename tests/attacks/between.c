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

/*
 * Not under standard: flock, record-lock and watch, on a file of the host's that both were given. A
 * lock is the inode's, which they share, and builds need locks. SECURITY.md says so.
 */
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
