/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/guest/cargo_make.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_beneath(int dir_fd, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
					  RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};

	return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
}

static int make_and_open(int dir_fd, const char *name)
{
	if (mkdirat(dir_fd, name, 0755) < 0 && errno != EEXIST)
		return -1;
	return open_beneath(dir_fd, name);
}

/* Down parent name by name, making what is missing; never through a link, whoever put it there. */
static int make_way(int tree_fd, char *parent)
{
	char *rest = parent;
	int fd = open_beneath(tree_fd, ".");

	for (char *name = strsep(&rest, "/"); fd >= 0 && name != NULL; name = strsep(&rest, "/")) {
		int next = make_and_open(fd, name);
		int error_number = errno;

		(void)close(fd);
		errno = error_number;
		fd = next;
	}
	return fd;
}

/* The directory path lies in; *name is its last component. Parents of an output can be missing. */
static int open_parent(int tree_fd, const char *path, const char **name)
{
	char parent[CARGO_PATH_SIZE];
	const char *slash = strrchr(path, '/');
	int fd;

	*name = slash != NULL ? slash + 1 : path;
	if (slash == NULL)
		return open_beneath(tree_fd, ".");
	(void)snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
	fd = open_beneath(tree_fd, parent);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	return make_way(tree_fd, parent);
}

static int finish(int parent_fd, int result)
{
	int error_number = errno;

	if (parent_fd >= 0)
		(void)close(parent_fd);
	errno = error_number;
	return result;
}

int cargo_make_file(int tree_fd, const char *path, unsigned mode, uint64_t size)
{
	const char *name;
	int parent_fd = open_parent(tree_fd, path, &name);
	int fd = parent_fd < 0 ? -1
			       : openat(parent_fd, name,
					O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0 && (ftruncate(fd, (off_t)size) < 0 || fchmod(fd, mode & 0777) < 0)) {
		int error_number = errno;

		(void)close(fd);
		fd = -1;
		errno = error_number;
	}
	return finish(parent_fd, fd);
}

/* Ours to enter whatever the guest's mode was; sr-collect gives its owner the same. */
int cargo_make_directory(int tree_fd, const char *path, unsigned mode)
{
	const char *name;
	int parent_fd = open_parent(tree_fd, path, &name);
	int result = parent_fd < 0 ? -1 : mkdirat(parent_fd, name, 0700);

	if (result == 0)
		result = fchmodat(parent_fd, name, (mode & 0777) | 0700, 0);
	return finish(parent_fd, result);
}

int cargo_make_link(int tree_fd, const char *path, const char *target)
{
	const char *name;
	int parent_fd = open_parent(tree_fd, path, &name);

	return finish(parent_fd, parent_fd < 0 ? -1 : symlinkat(target, parent_fd, name));
}

int cargo_make_node(int tree_fd, const char *path, unsigned mode, bool fifo)
{
	const char *name;
	int parent_fd = open_parent(tree_fd, path, &name);
	mode_t type = fifo ? S_IFIFO : S_IFSOCK;

	return finish(parent_fd,
		      parent_fd < 0 ? -1 : mknodat(parent_fd, name, type | (mode & 0777), 0));
}
