/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/jail/base.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int check(int fd)
{
	struct stat info;

	if (fstat(fd, &info) < 0)
		return -1;
	if (info.st_uid == 0 && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return 0;
	errno = EPERM;
	return -1;
}

/* The next one down; fd is closed. */
static int step(int fd, const char *name, bool make)
{
	int next, error_number;

	if (make && mkdirat(fd, name, 0700) < 0 && errno != EEXIST)
		next = -1;
	else
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (next >= 0 && check(next) < 0) {
		error_number = errno;
		(void)close(next);
		errno = error_number;
		next = -1;
	}
	error_number = errno;
	(void)close(fd);
	errno = error_number;
	return next;
}

int base_open(bool make, char *bad, size_t size)
{
	/* JAIL_BASE and JAIL_EXEC; of these the last two are ours to make. */
	static const char *const names[] = {"srv", "jailer", JAIL_EXEC};
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int len = snprintf(bad, size, "/");

	if (fd >= 0 && check(fd) < 0) {
		(void)close(fd);
		errno = EPERM;
		return -1;
	}
	for (size_t i = 0; fd >= 0 && i < sizeof names / sizeof names[0]; i++) {
		len += snprintf(bad + len, size - (size_t)len, "%s%s", i > 0 ? "/" : "", names[i]);
		fd = step(fd, names[i], make && i > 0);
	}
	return fd;
}

int base_store(int base_fd, const char *name)
{
	char path[sizeof "../" + NAME_MAX];
	struct stat info;
	int fd, error_number;

	(void)snprintf(path, sizeof path, "../%s", name);
	if (mkdirat(base_fd, path, 0700) < 0 && errno != EEXIST)
		return -1;
	fd = openat(base_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	errno = EPERM;
	if (fstat(fd, &info) == 0 && info.st_uid == 0 && (info.st_mode & 077) == 0 &&
	    flock(fd, LOCK_EX) == 0)
		return fd;
	error_number = errno;
	(void)close(fd);
	errno = error_number;
	return -1;
}
