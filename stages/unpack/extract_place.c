/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/unpack/below.h"
#include "stages/unpack/extract.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.root.unpack"

/* Whatever our umask is. */
static int make_open(int dir_fd, const char *name)
{
	return mkdirat(dir_fd, name, 0755) < 0 ? -1 : fchmodat(dir_fd, name, 0755, 0);
}

/* One directory of a path that an archive left out: 0755, as everybody makes them. */
static int make_missing(int root_fd, char *path)
{
	char *slash = strrchr(path, '/');
	int dir_fd, result;

	if (slash == NULL)
		return make_open(root_fd, path);
	*slash = '\0';
	dir_fd = below_resolve(root_fd, path);
	*slash = '/';
	if (dir_fd < 0)
		return -1;
	result = make_open(dir_fd, slash + 1);
	int error_number = errno;

	(void)close(dir_fd);
	errno = error_number;
	return result;
}

/* The directory at path, made where it is missing; path is as it was afterwards. */
static int open_parent(int root_fd, char *path)
{
	int fd = below_resolve(root_fd, path);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	for (char *end = path; end != NULL;) {
		end = strchr(end + 1, '/');
		if (end != NULL)
			*end = '\0';
		fd = below_resolve(root_fd, path);
		if (fd < 0 && errno == ENOENT && make_missing(root_fd, path) == 0)
			fd = below_resolve(root_fd, path);
		if (end != NULL)
			*end = '/';
		if (fd < 0 || end == NULL)
			return fd;
		(void)close(fd);
	}
	return fd;
}

enum fault_code extract_place(int root_fd, const char *name, bool make, struct extract_place *place,
			      struct fault *fault)
{
	enum fault_code code = extract_name(name, place->path, fault);
	char *slash = strrchr(place->path, '/');

	place->dir_fd = -1;
	place->name = slash == NULL ? place->path : slash + 1;
	if (code != FAULT_NONE)
		return code;
	if (slash == NULL) {
		place->dir_fd = below_resolve(root_fd, ".");
	} else {
		*slash = '\0';
		place->dir_fd = make ? open_parent(root_fd, place->path)
				     : below_resolve(root_fd, place->path);
		*slash = '/';
	}
	if (place->dir_fd >= 0 || (!make && (errno == ENOENT || errno == ENOTDIR)))
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, PATH,
			       "\"%.256s\" is in no directory of the image", place->path);
}
