/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/mount.h"

#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A name is where the file is now, whatever it was opened by. */
Test(launch_mount, names_follow_the_file)
{
	char *made = child_make_dir("launch-mount"), *dir = realpath(made, NULL);
	char before[4200], after[4200], gone[4300], name[4096];
	int root_fd = open("/", O_PATH | O_DIRECTORY), proc_fd = mount_open_proc(root_fd);
	int fd;

	cr_assert_geq(proc_fd, 0);
	(void)snprintf(before, sizeof before, "%s/before", dir);
	(void)snprintf(after, sizeof after, "%s/after", dir);
	(void)snprintf(gone, sizeof gone, "%s (deleted)", after);
	cr_assert_eq(mkdir(before, 0755), 0);
	fd = mount_open(before);
	cr_assert_eq(mount_name(proc_fd, fd, name, sizeof name), 0);
	cr_expect_str_eq(name, before);
	cr_assert_eq(rename(before, after), 0);
	cr_assert_eq(mount_name(proc_fd, fd, name, sizeof name), 0);
	cr_expect_str_eq(name, after);
	/* Exactly as long as the name, and one less: a name is never cut. */
	cr_expect_eq(mount_name(proc_fd, fd, name, strlen(after) + 1), 0);
	cr_expect_lt(mount_name(proc_fd, fd, name, strlen(after)), 0);
	cr_expect_eq(errno, ENAMETOOLONG);
	cr_assert_eq(rmdir(after), 0);
	cr_assert_eq(mount_name(proc_fd, fd, name, sizeof name), 0);
	cr_expect_str_eq(name, gone);
	cr_expect_lt(mount_name(proc_fd, 987654, name, sizeof name), 0);
	close(fd);
	close(proc_fd);
	close(root_fd);
	child_remove_dir(dir);
	free(made);
	free(dir);
}

/* What only has its name is not asked for names. */
Test(launch_mount, trusts_only_a_procfs)
{
	char *dir = child_make_dir("launch-mount"), path[4200];
	int dir_fd = open(dir, O_PATH | O_DIRECTORY);

	(void)snprintf(path, sizeof path, "%s/proc", dir);
	cr_expect_lt(mount_open_proc(dir_fd), 0);
	cr_expect_eq(errno, ENOENT);
	cr_assert_eq(symlink("/proc", path), 0);
	cr_expect_lt(mount_open_proc(dir_fd), 0);
	cr_expect(errno == ELOOP || errno == ENOTDIR);
	cr_assert(unlink(path) == 0 && mkdir(path, 0755) == 0);
	cr_expect_lt(mount_open_proc(dir_fd), 0);
	cr_expect_eq(errno, EINVAL);
	close(dir_fd);
	child_remove_dir(dir);
	free(dir);
}
