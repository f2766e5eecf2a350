/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/export/place.h"

#include "stages/deposit/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int place_open(int dir_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	/* O_PATH takes no other flag but these (openat2(2)). */
	if ((flags & O_PATH) != 0)
		how.flags &= (unsigned)(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return (int)syscall(SYS_openat2, dir_fd, path[0] != '\0' ? path : ".", &how, sizeof(how));
}

/* Each directory is opened before the next is made in it, so none can lead elsewhere. */
static int step_down(int fd, const char *name)
{
	int next = place_open(fd, name, O_PATH | O_DIRECTORY);

	if (next < 0 && errno == ENOENT && mkdirat(fd, name, 0777) == 0)
		next = place_open(fd, name, O_PATH | O_DIRECTORY);
	return next;
}

int place_parent(int dir_fd, const char *path, const char **name)
{
	int fd = place_open(dir_fd, "", O_PATH | O_DIRECTORY);

	while (fd >= 0) {
		size_t len = strcspn(path, "/");
		char part[256];
		int next, error_number;

		*name = path;
		if (path[len] == '\0')
			return fd;
		if (len >= sizeof(part)) {
			(void)close(fd);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(part, path, len);
		part[len] = '\0';
		next = step_down(fd, part);
		error_number = errno;
		(void)close(fd);
		errno = error_number;
		fd = next;
		path += len + 1;
	}
	return -1;
}
