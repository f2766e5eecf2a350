/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/cgroup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static void close_keep_errno(int fd)
{
	int error_number = errno;
	(void)close(fd);
	errno = error_number;
}

static int open_beneath(int dir_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
}

int cgroup_dir_open(int dir_fd, const char *path)
{
	struct statfs info;
	int fd = open_beneath(dir_fd, path, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return -1;
	if (fstatfs(fd, &info) == 0 &&
	    (info.f_type == CGROUP_SUPER_MAGIC || info.f_type == CGROUP2_SUPER_MAGIC))
		return fd;
	errno = ENODEV;
	close_keep_errno(fd);
	return -1;
}

int cgroup_dir_make(int dir_fd, const char *name)
{
	/* The only thread, so no file of somebody else's is made meanwhile; it cannot fail. */
	mode_t usual = umask(022);
	int result = mkdirat(dir_fd, name, 0755);

	(void)umask(usual);
	return result;
}

int cgroup_file_open(int dir_fd, const char *name, int flags)
{
	return open_beneath(dir_fd, name, flags);
}

int cgroup_file_read_fd(int fd, char *out, size_t size)
{
	ssize_t len = pread(fd, out, size - 1, 0);
	if (len < 0)
		return -1;
	if (len > 0 && out[len - 1] == '\n')
		len--;
	out[len] = '\0';
	return 0;
}

int cgroup_file_read(int dir_fd, const char *name, char *out, size_t size)
{
	int fd = cgroup_file_open(dir_fd, name, O_RDONLY);
	if (fd < 0)
		return -1;
	int result = cgroup_file_read_fd(fd, out, size);
	close_keep_errno(fd);
	return result;
}

static int write_fd(int fd, const char *value)
{
	size_t len = strlen(value);
	ssize_t written = write(fd, value, len);
	if (written >= 0 && (size_t)written != len) {
		errno = EIO;
		return -1;
	}
	return written < 0 ? -1 : 0;
}

int cgroup_file_write(int dir_fd, const char *name, const char *value)
{
	int fd = cgroup_file_open(dir_fd, name, O_WRONLY);
	if (fd < 0)
		return -1;
	int result = write_fd(fd, value);
	close_keep_errno(fd);
	return result;
}

int cgroup_file_set(int dir_fd, const char *name, const char *value, char *out, size_t size)
{
	int fd = cgroup_file_open(dir_fd, name, O_RDWR);
	if (fd < 0)
		return -1;
	int result = write_fd(fd, value);
	if (result == 0)
		result = cgroup_file_read_fd(fd, out, size);
	close_keep_errno(fd);
	return result;
}
