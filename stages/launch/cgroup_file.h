/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_CGROUP_FILE_H
#define LAUNCH_CGROUP_FILE_H

#include <stddef.h>

/*
 * Files of a cgroup, always reached through a directory fd with openat2(2) RESOLVE_BENEATH and
 * RESOLVE_NO_SYMLINKS (Linux 5.6): no name can lead out of the tree it was looked up in. All
 * functions return -1 with errno on failure.
 */

/* O_PATH on path below dir_fd ("." too), which must be a cgroup directory (ENODEV when not). */
int cgroup_dir_open(int dir_fd, const char *path) __attribute__((warn_unused_result));

/* A new cgroup, readable to all whatever the umask is: the monitor reads its counters as nobody. */
int cgroup_dir_make(int dir_fd, const char *name) __attribute__((warn_unused_result));

/* Open name in dir_fd with flags, O_CLOEXEC added. */
int cgroup_file_open(int dir_fd, const char *name, int flags) __attribute__((warn_unused_result));

/* The text of a small file, without its last newline and NUL-terminated; 0 when it was read. */
int cgroup_file_read(int dir_fd, const char *name, char *out, size_t size)
	__attribute__((warn_unused_result));
int cgroup_file_read_fd(int fd, char *out, size_t size) __attribute__((warn_unused_result));

/* Write value in one write(2). */
int cgroup_file_write(int dir_fd, const char *name, const char *value)
	__attribute__((warn_unused_result));

/* Write value in one write(2), then read the file again through the same fd into out. */
int cgroup_file_set(int dir_fd, const char *name, const char *value, char *out, size_t size)
	__attribute__((warn_unused_result));

#endif
