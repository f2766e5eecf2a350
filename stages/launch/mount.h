/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_MOUNT_H
#define LAUNCH_MOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct plan_identity;

/*
 * Mounts by descriptor (fsopen(2), open_tree(2), mount_setattr(2), move_mount(2); Linux 5.12). A
 * mount exists, and has its flags, before it has a place, and nothing is looked up twice: there is
 * no moment at which a path could come to mean something else. All return -1 with errno.
 */
struct mount_option {
	const char *key;
	const char *value; /* NULL: a flag */
};

/* The options on a context of fsopen(2), and the file system with them. */
int mount_configure(int context_fd, const struct mount_option *options, size_t option_count)
	__attribute__((warn_unused_result));

/* A new file system with no place yet; attributes are MOUNT_ATTR_*. */
int mount_new(const char *type, const struct mount_option *options, size_t option_count,
	      uint64_t attributes) __attribute__((warn_unused_result));

/* O_PATH on an absolute path that has no symbolic link anywhere (openat2(2)). */
int mount_open(const char *path) __attribute__((warn_unused_result));

/* The same for reading, of what should be a regular file; a FIFO or device is not waited for. */
int mount_open_file(const char *path) __attribute__((warn_unused_result));

/*
 * The procfs mounted on "proc" below dir_fd, which must be one: names in another file system could
 * say anything. ENOTDIR, ELOOP or EINVAL when something else is there.
 */
int mount_open_proc(int dir_fd) __attribute__((warn_unused_result));

/*
 * The kernel's own name for what fd is open on, as seen from this process's root, by the procfs
 * proc_fd; -1: by /proc. 0, or -1 with errno (ENAMETOOLONG). A file that was removed has
 * " (deleted)" behind it (proc_pid_fd(5)).
 */
int mount_name(int proc_fd, int fd, char *out, size_t size) __attribute__((warn_unused_result));

/* What an O_PATH descriptor names: 0, or -1 with errno (EINVAL: neither directory nor file). */
int mount_identify(int fd, struct plan_identity *identity) __attribute__((warn_unused_result));
bool mount_same(const struct plan_identity *left, const struct plan_identity *right);

/*
 * A copy of the mount fd is on, from that point down, everything mounted below it included, with
 * attributes set on all of it, and without a place.
 */
int mount_copy(int fd, uint64_t attributes) __attribute__((warn_unused_result));

/* The same, of that one mount: nothing mounted below it is in the copy. */
int mount_copy_one(int fd, uint64_t attributes) __attribute__((warn_unused_result));

/* A copy of one directory of a mount in our namespace, nothing below it. */
int mount_copy_below(int dir_fd, const char *name, uint64_t attributes)
	__attribute__((warn_unused_result));

/* Set attributes on the one mount fd is the root of. */
int mount_set(int fd, uint64_t attributes) __attribute__((warn_unused_result));

/* Give a mount its place: on what place_fd is open on. Closes neither. */
int mount_place(int mount_fd, int place_fd) __attribute__((warn_unused_result));

#endif
