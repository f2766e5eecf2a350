/* SPDX-License-Identifier: Apache-2.0 */
/* FD1-FD3, FD5-FD8: descriptors, exec and procfs. Ids as in SECURITY.md. */
#include "tests/attacks/run.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

Test(attacks, FD1_only_three_descriptors)
{
	const char *argv[] = {ATTACK_INSIDE "/fds", NULL};
	const char *bare[] = {"leak", attack_program("fds"), NULL};
	struct child_result control;
	struct attack attack;

	attack_bare(bare, &control);
	cr_assert_geq(attack_lines(control.out, "fd "), 250, "the leak does not leak");
	child_release(&control);
	attack_open(&attack, argv);
	attack.wrapper[0] = "leak";
	attack_run(&attack);
	attack_expect_finished(&attack);
	cr_expect_str_eq(attack.result.out, "fd 0\nfd 1\nfd 2\n");
	attack_close(&attack);
}

/*
 * A path through a descriptor or another process's root reaches what the caller has open
 * (CVE-2024-21626). Refused by the policy, or there is nothing behind it inside.
 */
static void expect_no_way(const char *field, const char *path)
{
	const char *argv[] = {"/bin/ls", "-l", NULL};
	struct attack attack;
	char value[512];

	attack_open(&attack, argv);
	snprintf(value, sizeof value, "\"%s\"", path);
	if (!strcmp(field, "mount")) {
		snprintf(value, sizeof value,
			 "[{\"noexec\":false,\"read_only\":true,\"source\":\"%s\",\"target\":\"/"
			 "opt/x\"}]",
			 path);
		field = "mounts";
	} else if (!strcmp(field, "target")) {
		snprintf(value, sizeof value,
			 "[{\"noexec\":false,\"read_only\":true,\"source\":\"/"
			 "usr\",\"target\":\"%s\"}]",
			 path);
		field = "mounts";
	}
	attack_set(&attack, field, value);
	attack.wrapper[0] = "leak";
	attack_run(&attack);
	cr_expect_neq(attack.result.status, 0, "%s = %s ran: %s", field, path, attack.result.out);
	cr_expect_str_neq(attack_errors(&attack), "", "%s = %s", field, path);
	cr_expect_str_eq(attack_event(&attack, "vm.started", "seq"), "", "%s = %s", field, path);
	cr_expect_str_neq(attack_event(&attack, "run.failed", "seq"), "", "%s = %s", field, path);
	attack_close(&attack);
}

Test(attacks, FD2_paths_through_descriptors)
{
	static const char *const fields[] = {"runtime.workdir", "runtime.command", "runtime.rootfs",
					     "mount", "target"};
	static const char *const paths[] = {"/proc/self/fd/3", "/proc/self/fd/3/..",
					    "/proc/1/root",    "/proc/1/root/etc",
					    "/dev/fd/3",       "/proc/self/cwd"};

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		for (size_t k = 0; k < sizeof paths / sizeof *paths; k++)
			expect_no_way(fields[i], paths[k]);
	}
}

/* All of build/bin, by content: one long text. */
static char *our_binaries(void)
{
	static const char *const names[] = {"safe-run",	  "sr-validate", "sr-compile", "sr-launch",
					    "sr-monitor", "sr-seal",	 "sr-verify"};
	const char *sums[sizeof names / sizeof *names + 2] = {"/usr/bin/sha256sum"};
	struct child_result result;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *path = strdup(child_path(names[i]));

		cr_assert_not_null(path);
		sums[i + 1] = path;
	}
	child_run(sums, NULL, 0, NULL, &result);
	cr_assert_eq(result.status, 0, "%s", result.err);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		free((char *)sums[i + 1]);
	free(result.err);
	return result.out;
}

/* A script whose interpreter is /proc/self/exe: what the kernel executes then is the one execing.
 */
static char *script_directory(void)
{
	static const char script[] = "#!/proc/self/exe --version\n";
	char *dir = child_make_dir("script"), path[4096];

	snprintf(path, sizeof path, "%s/script", dir);
	child_write_file(path, script, sizeof script - 1);
	cr_assert_eq(chmod(path, 0755), 0);
	cr_assert_eq(chmod(dir, 0755), 0);
	return dir;
}

Test(attacks, FD3_our_own_binaries)
{
	const char *pry[] = {ATTACK_INSIDE "/pry", "1", NULL};
	const char *self[] = {"/proc/self/exe", NULL};
	const char *script[] = {"/opt/script/script", NULL};
	char *before = our_binaries(), *dir = script_directory(), mounts[8300];
	struct attack attack;

	attack_open(&attack, pry);
	attack_run(&attack);
	attack_expect_finished(&attack);
	cr_expect_eq(attack_lines(attack.result.out, "exe-write ok"), 0, "%s", attack.result.out);
	cr_expect_eq(attack_lines(attack.result.out, "exe ok"), 0, "%s", attack.result.out);
	attack_command(&attack, self);
	attack_run(&attack);
	/* At most the workload's own file: never a program of ours, which would say who it is. */
	cr_expect_neq(attack.result.status, 0);
	cr_expect_null(strstr(attack.result.out, "sr-launch"), "%s", attack.result.out);
	snprintf(mounts, sizeof mounts,
		 "[{\"noexec\":false,\"read_only\":true,\"source\":\"%s\",\"target\":\"/opt/"
		 "script\"}]",
		 dir);
	attack_set(&attack, "mounts", mounts);
	attack_command(&attack, script);
	attack_run(&attack);
	cr_expect_neq(attack.result.status, 0);
	cr_expect_null(strstr(attack.result.out, "sr-launch"), "%s", attack.result.out);
	attack_close(&attack);
	char *after = our_binaries();
	cr_expect_str_eq(after, before);
	free(after);
	free(before);
	child_remove_dir(dir);
	free(dir);
}

/*
 * FD5, FD6: a mount does not get over the sandbox's /proc and /dev. What a root of the policy's own
 * has there is in roots.c.
 */
static void expect_target_refused(const char *source, const char *target)
{
	const char *argv[] = {"/bin/true", NULL};
	struct attack attack;
	char mounts[4300];

	attack_open(&attack, argv);
	snprintf(mounts, sizeof mounts,
		 "[{\"noexec\":false,\"read_only\":true,\"source\":\"%s\",\"target\":\"%s\"}]",
		 source, target);
	attack_set(&attack, "mounts", mounts);
	attack_run(&attack);
	attack_expect_refused(&attack, "SR-POL-10");
	attack_close(&attack);
}

Test(attacks, FD5_fake_proc)
{
	static const char *const targets[] = {"/proc", "/proc/self", "/proc/sys/kernel", "/proc/1",
					      "/opt/../proc"};
	char *dir = child_make_dir("fake"), path[4096];

	snprintf(path, sizeof path, "%s/proc", dir);
	cr_assert_eq(mkdir(path, 0755), 0);
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
		expect_target_refused(path, targets[i]);
	child_remove_dir(dir);
	free(dir);
}

Test(attacks, FD6_fake_devices)
{
	static const char *const targets[] = {"/dev", "/dev/null", "/dev/pts", "/dev/console"};
	char *dir = child_make_dir("fake"), path[4096];

	snprintf(path, sizeof path, "%s/dev", dir);
	cr_assert_eq(symlink("/proc/sys/kernel", path), 0);
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
		expect_target_refused(dir, targets[i]);
	child_remove_dir(dir);
	free(dir);
}

Test(attacks, FD7_other_processes)
{
	static const char *const ways[] = {
		"mem",	  "maps",	"environ",	    "fd",
		"root",	  "cwd",	"process_vm_readv", "process_vm_writev",
		"ptrace", "pidfd_getfd"};
	char pid[16], prefix[64];
	const char *argv[] = {ATTACK_INSIDE "/pry", "1", pid, NULL};
	const char *all[] = {ATTACK_INSIDE "/pry", NULL};
	const char *bare[] = {"pry", pid, NULL};
	struct child_result control;
	struct attack attack;

	/* Control, on a process of ours that has not been through an exec. */
	pid_t victim = fork();
	if (victim == 0) {
		for (;;)
			pause();
	}
	snprintf(pid, sizeof pid, "%d", (int)victim);
	attack_bare(bare, &control);
	kill(victim, SIGKILL);
	waitpid(victim, NULL, 0);
	cr_expect_str_eq(attack_said(control.out, "maps"), "ok");
	cr_expect_str_neq(attack_said(control.out, "process_vm_readv"), "EPERM");
	child_release(&control);
	attack_open(&attack, argv);
	attack_run(&attack);
	attack_expect_finished(&attack);
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		snprintf(prefix, sizeof prefix, "%s E", ways[i]);
		cr_expect_eq(attack_lines(attack.result.out, prefix), 2, "%s: %s", prefix,
			     attack.result.out);
	}
	/* Of all of the host, not even the sandbox's own pid 1 is to be seen. */
	attack_command(&attack, all);
	attack_run(&attack);
	attack_expect_finished(&attack);
	cr_expect_eq(attack_lines(attack.result.out, "pid "), 0, "%s", attack.result.out);
	attack_close(&attack);
}

/* Core files in dir, and what the guest's core handler noted. */
static size_t cores_in(const char *dir)
{
	DIR *open_dir = opendir(dir);
	struct dirent *entry;
	size_t count = 0;

	while (open_dir && (entry = readdir(open_dir)))
		count += !strncmp(entry->d_name, "core", 4);
	if (open_dir)
		closedir(open_dir);
	return count;
}

Test(attacks, FD8_no_core)
{
	const char *argv[] = {ATTACK_INSIDE "/end", "crash", NULL};
	struct attack attack;

	/* In the guest core_pattern is a handler that notes each core here (tests/guest/init.c). */
	size_t noted = cores_in("/run/cores"), here = cores_in(".");
	struct rlimit ours;
	cr_assert_eq(getrlimit(RLIMIT_CORE, &ours), 0);
	attack_open(&attack, argv);
	attack_run(&attack);
	cr_expect_eq(attack.result.status, 128 + 11);
	cr_expect_str_eq(attack_event(&attack, "vm.exited", "payload.signal"), "SIGSEGV");
	cr_expect_str_eq(attack_event(&attack, "vm.exited", "payload.coreDumped"), "false");
	cr_expect_str_eq(attack_text(&attack, "outcome.cause"), "signal");
	/* 1, not 0: the only value that keeps the kernel from core_pattern's program. */
	cr_expect_eq(attack_effective(&attack, "default.limits.core"), ours.rlim_max ? 1 : 0);
	cr_expect_eq(cores_in("."), here);
	cr_expect_eq(cores_in(attack.dir), 0);
	cr_expect_eq(cores_in("/run/cores"), noted, "the host's core handler was started");
	attack_close(&attack);
}
