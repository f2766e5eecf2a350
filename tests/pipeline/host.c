/* SPDX-License-Identifier: Apache-2.0 */
/* What the host refuses: places that cannot be written, disks that are full. */
#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text), "%s: %s", path,
		     strerror(errno));
	close(fd);
}

/* A mount namespace of the test's own; an ordinary user needs a user namespace around it. */
static void own_mounts(void)
{
	char map[64];
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (uid == 0) {
		cr_assert_eq(unshare(CLONE_NEWNS), 0);
	} else {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
			run_skip("user namespaces are denied here");
		snprintf(map, sizeof(map), "%u %u 1", uid, uid);
		write_text("/proc/self/uid_map", map);
		write_text("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "%u %u 1", gid, gid);
		write_text("/proc/self/gid_map", map);
	}
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

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

Test(host, workdir_is_read_only)
{
	char *base = child_make_dir("sr-host");
	struct run run;

	own_mounts();
	cr_assert_eq(mount("tmpfs", base, "tmpfs", 0, "size=1m,mode=0700"), 0);
	cr_assert_eq(mount(NULL, base, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	run_in(&run, base, WORDS("true"));
	cr_expect_eq(run.child.status, 125);
	cr_expect_not_null(strstr(run.child.err, "Read-only file system"), "%s", run.child.err);
	cr_expect_not_null(strstr(run.child.err, base), "%s", run.child.err);
	child_release(&run.child);
	cr_assert_eq(umount2(base, MNT_DETACH), 0);
	child_remove_dir(base);
	free(base);
}

static void run_on_disk(const char *size, bool *fitted)
{
	char *base = child_make_dir("sr-host");
	struct run run;

	cr_assert_eq(mount("tmpfs", base, "tmpfs", 0, size), 0, "%s: %s", size, strerror(errno));
	run_in(&run, base, WORDS("echo", "some output"));
	*fitted = run.child.status == 0;
	if (!*fitted) {
		cr_expect_eq(run.child.status, 125, "%s: status %d: %s", size, run.child.status,
			     run.child.err);
		cr_expect(strstr(run.child.err, "No space left on device") != NULL, "%s: %s", size,
			  run.child.err);
	}
	run_collect(&run);
	if (run.report != NULL)
		run_expect(&run, run.child.status, *fitted ? "exit" : "stage-lost");
	json_object_put(run.report);
	free(run.dir);
	child_release(&run.child);
	cr_assert_eq(umount2(base, MNT_DETACH), 0);
	child_remove_dir(base);
	free(base);
}

/* Every size from none to enough: whatever is the first to find no space, it is told. */
Test(host, disk_full_at_every_page)
{
	bool fitted = false;

	own_mounts();
	for (unsigned pages = 1; pages <= 64 && !fitted; pages++) {
		char size[32];

		snprintf(size, sizeof(size), "size=%u,mode=0700", pages * 4096);
		run_on_disk(size, &fitted);
	}
	cr_expect(fitted, "64 pages are not enough for one run");
}

Test(host, no_inodes_left_at_every_file)
{
	bool fitted = false;

	own_mounts();
	for (unsigned inodes = 2; inodes <= 32 && !fitted; inodes++) {
		char size[32];

		snprintf(size, sizeof(size), "nr_inodes=%u,mode=0700", inodes);
		run_on_disk(size, &fitted);
	}
	cr_expect(fitted, "32 files are not enough for one run");
}
