/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/ceiling.h"
#include "stages/launch/mount.h"
#include "stages/launch/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE	 FAULT_HOST_LACKS
#define PATH	 "launch.host"
#define OVERFLOW 65534 /* fs.overflowuid: whom this user namespace has no number for */

/*
 * Root, as we see it. In a user namespace the host's root may have no number: then it shows as the
 * overflow uid, which is nobody who could act in here, whoever it is.
 */
static bool is_root(uid_t uid)
{
	return uid == 0 || (uid == OVERFLOW && namespace_has_user(OVERFLOW) == 0);
}

static enum fault_code check(int fd, const char *path, size_t len, bool directory,
			     struct fault *fault)
{
	struct stat info;

	if (fstat(fd, &info) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot look at %.*s", (int)len,
				       path);
	if (directory ? !S_ISDIR(info.st_mode) : !S_ISREG(info.st_mode))
		return fault_set(fault, CODE, PATH, "%.*s is no %s", (int)len, path,
				 directory ? "directory" : "regular file");
	if (!is_root(info.st_uid))
		return fault_set(fault, CODE, PATH,
				 "%.*s belongs to user %u: a host policy and every directory above "
				 "it are root's (chown root)",
				 (int)len, path, info.st_uid);
	/* An access control list that lets somebody write shows in the group's bits (acl(5)). */
	if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return fault_set(fault, CODE, PATH,
				 "%.*s can be written by others than root (chmod go-w)", (int)len,
				 path);
	if (!directory && (uint64_t)info.st_size > CEILING_FILE_MAX)
		return fault_set(fault, CODE, PATH, "%.*s is longer than %zu bytes", (int)len, path,
				 CEILING_FILE_MAX);
	return FAULT_NONE;
}

/* One name below dir_fd, which is closed. The last one is opened for reading. */
static int descend(int dir_fd, const char *path, size_t from, size_t to, struct fault *fault)
{
	const bool last = path[to] == '\0';
	char name[256] = "";
	int fd;

	memcpy(name, path + from, to - from);
	/* O_NONBLOCK: a FIFO is refused, not waited for. */
	fd = openat(dir_fd, name,
		    O_CLOEXEC | O_NOFOLLOW | (last ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_PATH));
	if (fd < 0)
		(void)fault_set_errno(fault, CODE, errno, PATH,
				      "cannot open %.*s: everybody who runs anything must be able "
				      "to read it, and no symbolic link may lead there",
				      (int)to, path);
	(void)close(dir_fd);
	if (fd >= 0 && check(fd, path, to, !last, fault) == FAULT_NONE)
		return fd;
	(void)close(fd);
	return -1;
}

int ceiling_file_open(const char *path, struct fault *fault)
{
	int fd = mount_open(path);
	size_t end = 0;

	fault->code = FAULT_NONE;
	if (fd < 0 && errno == ENOENT)
		return -1;
	(void)close(fd);
	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || check(fd, "/", 1, true, fault) != FAULT_NONE) {
		if (fd < 0)
			(void)fault_set_errno(fault, CODE, errno, PATH, "cannot open /");
		(void)close(fd);
		return -1;
	}
	/* Each name below a directory that is root's alone: what was checked stays what it is. */
	while (fd >= 0 && path[end] == '/') {
		size_t from = end + 1;

		end = from + strcspn(path + from, "/");
		fd = descend(fd, path, from, end, fault);
	}
	return fd;
}
