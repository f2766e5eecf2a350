/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/collect/open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_beneath(int dir_fd, const char *name, int flags)
{
	struct open_how how = {
		/* O_NONBLOCK: what turned out to be a FIFO after all would not stop us. */
		.flags = (unsigned)(flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
}

static int close_with(int fd, int error_number)
{
	if (fd >= 0)
		(void)close(fd);
	errno = error_number;
	return -1;
}

int open_entry(int dir_fd, const char *name, const struct stat *info)
{
	bool directory = S_ISDIR(info->st_mode);
	mode_t needed = directory ? S_IRUSR | S_IXUSR : S_IRUSR;
	struct stat now;
	int fd;

	/*
	 * By name, which follows links: the writer is dead, so it is what fstatat saw. A mode that
	 * cannot be changed is somebody else's file, and opening it says so.
	 */
	if ((info->st_mode & needed) != needed)
		(void)!fchmodat(dir_fd, name, (info->st_mode & 0777) | needed, 0);
	fd = open_beneath(dir_fd, name, O_RDONLY | (directory ? O_DIRECTORY : 0));
	if (fd < 0 || fstat(fd, &now) < 0)
		return close_with(fd, errno);
	if (now.st_ino != info->st_ino || now.st_dev != info->st_dev ||
	    (now.st_mode & S_IFMT) != (info->st_mode & S_IFMT) || now.st_size != info->st_size)
		return close_with(fd, ESTALE);
	return fd;
}

static int step_down(int dir_fd, const char *name)
{
	struct stat info;

	if (fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (!S_ISDIR(info.st_mode)) {
		errno = S_ISLNK(info.st_mode) ? ELOOP : ENOTDIR;
		return -1;
	}
	return open_entry(dir_fd, name, &info);
}

int open_parent(int tree_fd, const char *path, char *name, size_t size)
{
	int fd = open_beneath(tree_fd, ".", O_RDONLY | O_DIRECTORY);

	while (fd >= 0) {
		size_t len = strcspn(path, "/");
		int next;

		if (len >= size)
			return close_with(fd, ENAMETOOLONG);
		memcpy(name, path, len);
		name[len] = '\0';
		if (path[len] == '\0')
			return fd;
		path += len + 1;
		next = step_down(fd, name);
		(void)close_with(fd, errno);
		fd = next;
	}
	return fd;
}
