/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/resolve.h"

#include "stages/validate/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_path(const char *path, uint64_t resolve)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_MAGICLINKS | resolve,
	};

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

static enum resolve_type type_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return RESOLVE_DIRECTORY;
	if (S_ISREG(mode))
		return RESOLVE_FILE;
	return S_ISLNK(mode) ? RESOLVE_SYMLINK : RESOLVE_OTHER;
}

/* What the link holds; a longer one than PATH_TEXT_MAX does not come back cut. */
static int read_link(const char *path, char out[PATH_TEXT_MAX + 1])
{
	ssize_t len = readlinkat(AT_FDCWD, path, out, PATH_TEXT_MAX + 1);

	if (len < 0)
		return errno;
	if (len > PATH_TEXT_MAX)
		return ENAMETOOLONG;
	out[len] = '\0';
	return 0;
}

/*
 * The kernel's name for fd. It may end in " (deleted)" or start with "(unreachable)", and the
 * place may have moved since: it is the name only if the same file is found under it again,
 * without following a single link.
 */
static int name_of(int fd, const struct stat *expected, char out[PATH_TEXT_MAX + 1])
{
	char link[sizeof("/proc/self/fd/2147483647")];
	struct stat found;
	int again_fd;
	int error;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	error = read_link(link, out);
	if (error != 0)
		return error;
	again_fd = open_path(out, RESOLVE_NO_SYMLINKS);
	if (again_fd < 0)
		return errno == ENOENT || errno == ELOOP ? ESTALE : errno;
	error = fstat(again_fd, &found) < 0 ? errno : 0;
	close(again_fd);
	if (error == 0 && (found.st_dev != expected->st_dev || found.st_ino != expected->st_ino))
		error = ESTALE;
	if (error == 0 && path_check(out) != PATH_OK)
		error = EILSEQ;
	return error;
}

int resolve_path(const char *path, struct document *document, struct resolve_facts *facts)
{
	char name[PATH_TEXT_MAX + 1];
	struct stat status;
	int fd = open_path(path, 0);
	int error;

	if (fd < 0)
		return errno;
	error = fstat(fd, &status) < 0 ? errno : name_of(fd, &status, name);
	close(fd);
	if (error != 0)
		return error;
	*facts = (struct resolve_facts){
		.path = document_copy(document, name, strlen(name)),
		.type = type_of(status.st_mode),
		.device = status.st_dev,
		.inode = status.st_ino,
	};
	return 0;
}

int resolve_type(const char *path, enum resolve_type *type)
{
	struct stat status;

	if (fstatat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno;
	*type = type_of(status.st_mode);
	return 0;
}

int resolve_link(const char *path, struct document *document, const char **target)
{
	char text[PATH_TEXT_MAX + 1];
	int error = read_link(path, text);

	if (error == 0)
		*target = document_copy(document, text, strlen(text));
	return error;
}

const char *resolve_type_name(enum resolve_type type)
{
	switch (type) {
	case RESOLVE_DIRECTORY:
		return "directory";
	case RESOLVE_FILE:
		return "file";
	case RESOLVE_SYMLINK:
		return "symlink";
	case RESOLVE_OTHER:
		return "other";
	}
	__builtin_unreachable();
}
