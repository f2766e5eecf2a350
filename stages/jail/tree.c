/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/jail/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 64
#define OPEN_DIR  (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int remove_at(int parent_fd, const char *name, dev_t device, unsigned depth);

static int remove_below(DIR *dir, dev_t device, unsigned depth)
{
	const struct dirent *entry;

	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			continue;
		if (errno != EISDIR || remove_at(dirfd(dir), entry->d_name, device, depth + 1) < 0)
			return -1;
	}
	return 0;
}

static int remove_at(int parent_fd, const char *name, dev_t device, unsigned depth)
{
	int fd = openat(parent_fd, name, OPEN_DIR);
	struct stat info;
	DIR *dir;
	int result;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (depth > DEPTH_MAX || fstat(fd, &info) < 0 || info.st_dev != device) {
		(void)close(fd);
		errno = ELOOP;
		return -1;
	}
	dir = fdopendir(fd);
	if (dir == NULL) {
		(void)close(fd);
		return -1;
	}
	result = remove_below(dir, device, depth);
	(void)closedir(dir);
	return result < 0 ? -1 : unlinkat(parent_fd, name, AT_REMOVEDIR);
}

int tree_remove(int parent_fd, const char *name)
{
	struct stat info;

	if (fstat(parent_fd, &info) < 0)
		return -1;
	return remove_at(parent_fd, name, info.st_dev, 0);
}
