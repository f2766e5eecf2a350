/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/index_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* SQLite makes every path absolute; what is behind the slash is a name in the archive. */
static const char *here(const char *path)
{
	while (*path == '/')
		path++;
	return *path == '\0' ? "." : path;
}

static int files_open(const char *path, int flags, int mode)
{
	return openat(AT_FDCWD, here(path), flags | O_NOFOLLOW | O_CLOEXEC, mode);
}

static int files_stat(const char *path, struct stat *status)
{
	return fstatat(AT_FDCWD, here(path), status, AT_SYMLINK_NOFOLLOW);
}

static int files_access(const char *path, int mode)
{
	struct stat status;

	(void)mode; /* SQLite asks whether a journal is there; opening it says the rest */
	return files_stat(path, &status);
}

static int files_unlink(const char *path)
{
	return unlinkat(AT_FDCWD, here(path), 0);
}

static char *files_getcwd(char *out, size_t size)
{
	if (size < 2)
		return NULL;
	memcpy(out, "/", 2);
	return out;
}

static ssize_t files_readlink(const char *path, char *out, size_t size)
{
	(void)path;
	(void)out;
	(void)size;
	errno = EINVAL; /* nothing here is a link */
	return -1;
}

static int files_open_directory(const char *path, int *fd)
{
	(void)path;
	*fd = openat(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd >= 0 ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int files_refuse(void)
{
	errno = EPERM;
	return -1;
}

int index_files_register(void)
{
	static const struct {
		const char *name;
		sqlite3_syscall_ptr call;
	} calls[] = {
		{"open", (sqlite3_syscall_ptr)files_open},
		{"stat", (sqlite3_syscall_ptr)files_stat},
		{"lstat", (sqlite3_syscall_ptr)files_stat},
		{"access", (sqlite3_syscall_ptr)files_access},
		{"unlink", (sqlite3_syscall_ptr)files_unlink},
		{"getcwd", (sqlite3_syscall_ptr)files_getcwd},
		{"readlink", (sqlite3_syscall_ptr)files_readlink},
		{"openDirectory", (sqlite3_syscall_ptr)files_open_directory},
		{"mkdir", (sqlite3_syscall_ptr)files_refuse},
		{"rmdir", (sqlite3_syscall_ptr)files_refuse},
		{"fchmod", (sqlite3_syscall_ptr)files_refuse},
		{"fchown", (sqlite3_syscall_ptr)files_refuse},
	};
	sqlite3_vfs *vfs;
	int code = sqlite3_initialize();

	vfs = code == SQLITE_OK ? sqlite3_vfs_find(NULL) : NULL;
	if (vfs == NULL || vfs->xSetSystemCall == NULL)
		return code != SQLITE_OK ? code : SQLITE_ERROR;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) && code == SQLITE_OK; i++)
		code = vfs->xSetSystemCall(vfs, calls[i].name, calls[i].call);
	return code;
}
