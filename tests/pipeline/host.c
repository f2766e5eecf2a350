/* SPDX-License-Identifier: Apache-2.0 */
/* What the host refuses: places that cannot be written, disks that are full. */
#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void run_in(struct run *run, char *base, const char *const command[])
{
	const char **argv = run_argv(base, NULL, command);

	memset(run, 0, sizeof(*run));
	run->base = base;
	child_run(argv, "", 0, NULL, &run->child);
	free(argv);
}

Test(host, workdir_is_no_directory)
{
	char *base = child_make_dir("sr-host"), *file = NULL, *below = NULL;
	char *places[2];

	cr_assert_gt(asprintf(&file, "%s/file", base), 0);
	cr_assert_gt(asprintf(&below, "%s/file/below", base), 0);
	child_write_file(file, "", 0);
	places[0] = file;
	places[1] = below;
	for (size_t i = 0; i < 2; i++) {
		struct run run;

		run_in(&run, places[i], WORDS("true"));
		cr_expect_eq(run.child.status, 125);
		cr_expect_not_null(strstr(run.child.err, "workdir"), "%s", run.child.err);
		cr_expect_not_null(strstr(run.child.err, "Not a directory"), "%s", run.child.err);
		child_release(&run.child);
		free(places[i]);
	}
	child_remove_dir(base);
	free(base);
}

static void expect_verified(const struct run *run, const char *limit_kib)
{
	char report[4200];
	const char *argv[] = {"/bin/bash",
			      "-c",
			      "ulimit -s $0 && exec \"$@\"",
			      limit_kib,
			      child_path("safe-run"),
			      "report",
			      "verify",
			      report,
			      NULL};
	struct child_result result;

	snprintf(report, sizeof(report), "%s/artifacts/run_report.json", run->dir);
	child_run(argv, "", 0, NULL, &result);
	cr_expect_eq(result.status, 0, "%s: %s%s", limit_kib, result.out, result.err);
	child_release(&result);
}

/* The limit on the stack is whatever the caller's shell says: no stage needs much of one. */
Test(host, small_stack)
{
	static const char *const limits_kib[] = {"128", "160", "8192"};

	for (size_t i = 0; i < sizeof(limits_kib) / sizeof(limits_kib[0]); i++) {
		struct run run = {.base = child_make_dir("sr-host")};
		const char **own = run_argv(run.base, NULL, WORDS("echo", "hello"));
		const char *argv[32] = {"/bin/bash", "-c", "ulimit -s $0 && exec \"$@\"",
					limits_kib[i]};

		for (size_t k = 0; own[k] != NULL; k++)
			argv[4 + k] = own[k];
		child_run(argv, "", 0, NULL, &run.child);
		run_collect(&run);
		run_expect(&run, 0, "exit");
		cr_expect_str_eq(run.child.out, "hello\n", "%s", limits_kib[i]);
		expect_verified(&run, limits_kib[i]);
		run_release(&run);
		free(own);
	}
}

Test(host, workdir_anybody_may_write)
{
	char *base = child_make_dir("sr-host");
	struct run run;

	cr_assert_eq(chmod(base, 0777), 0);
	run_in(&run, base, WORDS("true"));
	cr_expect_eq(run.child.status, 125);
	cr_expect_not_null(strstr(run.child.err, "anybody"), "%s", run.child.err);
	child_release(&run.child);
	cr_assert_eq(chmod(base, 01777), 0);
	run_in(&run, base, WORDS("true"));
	cr_expect_eq(run.child.status, 0, "%s", run.child.err);
	run_release(&run);
}

static void expect_refused(char *base, const char *words)
{
	struct run run;

	run_in(&run, base, WORDS("true"));
	cr_expect_eq(run.child.status, 125, "%s: %d", base, run.child.status);
	cr_expect_not_null(strstr(run.child.err, words), "%s: %s", base, run.child.err);
	child_release(&run.child);
}

/* FS8: who owns the way to a report could put another one in its place. */
Test(host, fs8_workdir_of_somebody_else)
{
	char *base = child_make_dir("sr-host"), *link = NULL, *slash = NULL;
	struct run run;

	cr_assert_gt(asprintf(&link, "%s/link", base), 0);
	cr_assert_gt(asprintf(&slash, "%s//", link), 0);
	cr_assert_eq(symlink(base, link), 0);
	expect_refused(link, "is a link");
	expect_refused(slash, "is a link");
	expect_refused((char[]){""}, "--workdir is empty");
	cr_assert_eq(unlink(link), 0);
	if (getuid() == 0) {
		cr_assert_eq(chown(base, 12345, 0), 0);
		expect_refused(base, "belongs to another user (12345)");
		cr_assert_eq(chown(base, 0, 0), 0);
	}
	run_in(&run, base, WORDS("true"));
	cr_expect_eq(run.child.status, 0, "%s", run.child.err);
	run_release(&run);
	free(link);
	free(slash);
}

static int run_program(const char *const argv[])
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* One run whose run directories are a small file system of its own; what it left is copied out. */
struct small_disk {
	char *place; /* where it is mounted */
	const char *options;
	bool read_only;
	struct run run; /* over the copy */
};

static _Noreturn void run_on_disk(const struct small_disk *disk, const char *const argv[])
{
	char *left = NULL;
	int status;

	run_enter_mounts();
	if (mount("tmpfs", disk->place, "tmpfs", 0, disk->options) != 0)
		_exit(RUN_NO_MOUNT);
	if (disk->read_only &&
	    mount(NULL, disk->place, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) != 0)
		_exit(RUN_NO_MOUNT);
	status = run_program(argv);
	if (asprintf(&left, "%s/.", disk->place) < 0 ||
	    run_program(WORDS("/bin/cp", "-R", left, disk->run.base)) != 0)
		_exit(RUN_NO_MOUNT);
	_exit(status);
}

static void disk_run(struct small_disk *disk, const char *options, bool read_only)
{
	char path[4096];
	const char **argv;
	int status;
	pid_t pid;

	*disk = (struct small_disk){.options = options, .read_only = read_only};
	disk->place = child_make_dir("sr-disk");
	disk->run.base = child_make_dir("sr-host");
	argv = run_argv(disk->place, NULL, WORDS("echo", "some output"));
	snprintf(path, sizeof(path), "%s/stderr", disk->run.base);
	child_write_file(path, "", 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		dup2(open(path, O_WRONLY), STDERR_FILENO);
		dup2(open("/dev/null", O_RDWR), STDIN_FILENO);
		dup2(STDIN_FILENO, STDOUT_FILENO);
		run_on_disk(disk, argv);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	free(argv);
	disk->run.child.status = WEXITSTATUS(status);
	if (disk->run.child.status == RUN_NO_NAMESPACES)
		run_skip("user namespaces are denied here");
	cr_assert_neq(disk->run.child.status, RUN_NO_MOUNT, "%s cannot be mounted", options);
	disk->run.child.err = child_read_file(path, &disk->run.child.err_len);
	run_collect(&disk->run);
}

static void disk_release(struct small_disk *disk)
{
	run_release(&disk->run);
	child_remove_dir(disk->place);
	free(disk->place);
}

Test(host, workdir_is_read_only)
{
	struct small_disk disk;

	disk_run(&disk, "size=1m,mode=0700", true);
	cr_expect_eq(disk.run.child.status, 125);
	cr_expect_not_null(strstr(disk.run.child.err, "Read-only file system"), "%s",
			   disk.run.child.err);
	cr_expect_not_null(strstr(disk.run.child.err, disk.place), "%s", disk.run.child.err);
	disk_release(&disk);
}

/* Whatever is the first to find no space: it is told, and what could still be sealed verifies. */
static bool fits(const char *options)
{
	struct small_disk disk;
	bool fitted;

	disk_run(&disk, options, false);
	fitted = disk.run.child.status == 0;
	if (!fitted) {
		cr_expect_eq(disk.run.child.status, 125, "%s: status %d: %s", options,
			     disk.run.child.status, disk.run.child.err);
		cr_expect_not_null(strstr(disk.run.child.err, "No space left on device"), "%s: %s",
				   options, disk.run.child.err);
	}
	if (disk.run.report != NULL)
		run_expect(&disk.run, disk.run.child.status, run_text(&disk.run, "outcome.cause"));
	disk_release(&disk);
	return fitted;
}

Test(host, disk_full_at_every_page)
{
	bool fitted = false;

	for (unsigned pages = 1; pages <= 64 && !fitted; pages++) {
		char options[32];

		snprintf(options, sizeof(options), "size=%u,mode=0700", pages * 4096);
		fitted = fits(options);
	}
	cr_expect(fitted, "64 pages are not enough for one run");
}

Test(host, no_inodes_left_at_every_file)
{
	bool fitted = false;

	for (unsigned inodes = 2; inodes <= 32 && !fitted; inodes++) {
		char options[32];

		snprintf(options, sizeof(options), "nr_inodes=%u,mode=0700", inodes);
		fitted = fits(options);
	}
	cr_expect(fitted, "32 files are not enough for one run");
}

/* SIGXFSZ would end safe-run and every stage without a word, and the run with them. */
Test(host, file_size_limit_at_every_kibibyte)
{
	struct rlimit limit;
	bool fitted = false;

	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	for (unsigned kib = 0; kib <= 64 && !fitted; kib++) {
		struct run run;

		limit.rlim_cur = kib * 1024;
		cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
		run_start(&run, NULL, WORDS("echo", "some output"), "", 0);
		fitted = run.child.status == 0;
		cr_expect_null(strstr(run.child.err, "SIGXFSZ"), "%u: %s", kib, run.child.err);
		if (!fitted) {
			cr_expect_eq(run.child.status, 125, "%u: %d", kib, run.child.status);
			cr_expect_not_null(strstr(run.child.err, "File too large"), "%u: %s", kib,
					   run.child.err);
		}
		if (run.report != NULL)
			run_expect(&run, run.child.status, run_text(&run, "outcome.cause"));
		run_release(&run);
	}
	cr_expect(fitted, "64 KiB are not enough for one run");
}
