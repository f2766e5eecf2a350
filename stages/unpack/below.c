/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/unpack/below.h"

#include "stages/tree/names.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INSIDE	   (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV)
#define DEPTH_MAX  32 /* one descriptor and one list of names each */
#define SPARE_SIZE 32

static int open_how(int dir_fd, const char *path, unsigned flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};

	return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
}

int below_open_file(int dir_fd, const char *path)
{
	int fd = open_how(dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0,
			  RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
	struct stat info;

	if (fd < 0)
		return -1;
	if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
		return fd;
	(void)close(fd);
	errno = EINVAL;
	return -1;
}

int below_create(int dir_fd, const char *name, mode_t mode)
{
	return open_how(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode, INSIDE);
}

int below_open_directory(int dir_fd, const char *name)
{
	return open_how(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, INSIDE);
}

int below_resolve(int root_fd, const char *path)
{
	return open_how(root_fd, path, O_PATH | O_DIRECTORY, 0,
			RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
}

/*
 * By its inode, which nothing else on the file system has: however many there are, the first name
 * is free. An archive's own name of that form is in a directory of its own.
 */
static int move_aside(int dir_fd, const char *name, int spare_fd)
{
	char spare[SPARE_SIZE];
	struct stat info;

	if (fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	(void)snprintf(spare, sizeof spare, "~%ju", (uintmax_t)info.st_ino);
	return renameat2(dir_fd, name, spare_fd, spare, RENAME_NOREPLACE);
}

static int clear(int dir_fd, int spare_fd, unsigned depth);

static int remove_directory(int dir_fd, const char *name, int spare_fd, unsigned depth)
{
	int fd, result, error_number;

	if (depth == DEPTH_MAX)
		return move_aside(dir_fd, name, spare_fd);
	fd = below_open_directory(dir_fd, name);
	if (fd < 0)
		return -1;
	result = clear(fd, spare_fd, depth + 1);
	error_number = errno;
	(void)close(fd);
	errno = error_number;
	return result < 0 ? -1 : unlinkat(dir_fd, name, AT_REMOVEDIR);
}

static int remove_name(int dir_fd, const char *name, int spare_fd, unsigned depth)
{
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	/* unlink(2) of a directory is EISDIR on Linux; POSIX has EPERM. */
	if (errno != EISDIR && errno != EPERM)
		return -1;
	return remove_directory(dir_fd, name, spare_fd, depth);
}

static int clear(int dir_fd, int spare_fd, unsigned depth)
{
	struct names names;
	int result = names_read(dir_fd, SIZE_MAX, &names);

	for (size_t i = 0; result == 0 && i < names.count; i++)
		result = remove_name(dir_fd, names_at(&names, i), spare_fd, depth);
	int error_number = errno;

	names_release(&names);
	errno = error_number;
	return result;
}

int below_remove(int dir_fd, const char *name, int spare_fd)
{
	return remove_name(dir_fd, name, spare_fd, 0);
}

/* Each round takes DEPTH_MAX levels off what was moved here. */
int below_clear(int dir_fd, int spare_fd)
{
	bool again = true;

	while (again) {
		struct names names;

		if (lseek(dir_fd, 0, SEEK_SET) < 0 || clear(dir_fd, spare_fd, 0) < 0 ||
		    lseek(dir_fd, 0, SEEK_SET) < 0)
			return -1;
		if (names_read(dir_fd, SIZE_MAX, &names) < 0) {
			names_release(&names);
			return -1;
		}
		again = dir_fd == spare_fd && names.count > 0;
		names_release(&names);
	}
	return 0;
}
