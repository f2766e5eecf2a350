/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/mount.h"

#include "stages/launch/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static int close_failed(int fd)
{
	int error_number = errno;

	(void)close(fd);
	errno = error_number;
	return -1;
}

int mount_configure(int context_fd, const struct mount_option *options, size_t option_count)
{
	for (size_t i = 0; i < option_count; i++) {
		unsigned command =
			options[i].value != NULL ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

		if (fsconfig(context_fd, command, options[i].key, options[i].value, 0) < 0)
			return -1;
	}
	return fsconfig(context_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

int mount_new(const char *type, const struct mount_option *options, size_t option_count,
	      uint64_t attributes)
{
	int context_fd = fsopen(type, FSOPEN_CLOEXEC);
	int fd;

	if (context_fd < 0)
		return -1;
	if (mount_configure(context_fd, options, option_count) < 0)
		return close_failed(context_fd);
	fd = fsmount(context_fd, FSMOUNT_CLOEXEC, (unsigned)attributes);
	if (fd < 0)
		return close_failed(context_fd);
	(void)close(context_fd);
	return fd;
}

static int open_path(const char *path, uint64_t flags)
{
	struct open_how how = {
		/* No O_NOFOLLOW: with O_PATH it would open a link at the end instead of refusing.
		 */
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

int mount_open(const char *path)
{
	return open_path(path, O_PATH);
}

int mount_open_file(const char *path)
{
	return open_path(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

int mount_open_proc(int dir_fd)
{
	struct statfs info;
	int fd = openat(dir_fd, "proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstatfs(fd, &info) < 0)
		return close_failed(fd);
	if (info.f_type == PROC_SUPER_MAGIC)
		return fd;
	(void)close(fd);
	errno = EINVAL;
	return -1;
}

int mount_name(int proc_fd, int fd, char *out, size_t size)
{
	char link[sizeof "/proc/self/fd/2147483647"];
	ssize_t len;

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	len = readlinkat(proc_fd, proc_fd < 0 ? link : link + sizeof "/proc/" - 1, out, size);
	if (len < 0)
		return -1;
	if ((size_t)len == size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	out[len] = '\0';
	return 0;
}

int mount_identify(int fd, struct plan_identity *identity)
{
	struct stat info;

	if (fstat(fd, &info) < 0)
		return -1;
	if (!S_ISDIR(info.st_mode) && !S_ISREG(info.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	identity->device = info.st_dev;
	identity->inode = info.st_ino;
	identity->directory = S_ISDIR(info.st_mode);
	return 0;
}

bool mount_same(const struct plan_identity *left, const struct plan_identity *right)
{
	return left->device == right->device && left->inode == right->inode &&
	       left->directory == right->directory;
}

static int copy(int dir_fd, const char *name, unsigned flags, uint64_t attributes)
{
	struct mount_attr attr = {.attr_set = attributes};
	int fd = open_tree(dir_fd, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);

	if (fd < 0)
		return -1;
	/*
	 * Recursive when the copy is: a writable file system mounted below a read-only directory
	 * would stay writable, as it does with mount(2).
	 */
	if (mount_setattr(fd, "", AT_EMPTY_PATH | (flags & AT_RECURSIVE), &attr, sizeof attr) < 0)
		return close_failed(fd);
	return fd;
}

int mount_copy(int fd, uint64_t attributes)
{
	return copy(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, attributes);
}

int mount_copy_one(int fd, uint64_t attributes)
{
	return copy(fd, "", AT_EMPTY_PATH, attributes);
}

int mount_copy_below(int dir_fd, const char *name, uint64_t attributes)
{
	return copy(dir_fd, name, AT_SYMLINK_NOFOLLOW, attributes);
}

int mount_set(int fd, uint64_t attributes)
{
	struct mount_attr attr = {.attr_set = attributes};

	return mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof attr);
}

int mount_place(int mount_fd, int place_fd)
{
	return move_mount(mount_fd, "", place_fd, "",
			  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}
