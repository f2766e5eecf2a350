/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linked into a copy of sr-archive with --wrap: once it is confined, the FAULT_AT-th of these calls
 * on a file fails with ENOSPC, or, with FAULT_DIE, is the last thing the process does: it is gone
 * without any of its own cleaning up. FAULT_LATER moves the clock forward by as many seconds.
 */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool armed, dies;
static long fault_at, calls, later;

static long number(const char *name)
{
	const char *text = getenv(name);

	return text != NULL ? strtol(text, NULL, 10) : 0;
}

/* Before main: the skeleton empties the environment. */
__attribute__((constructor)) static void read_environment(void)
{
	fault_at = number("FAULT_AT");
	later = number("FAULT_LATER");
	dies = getenv("FAULT_DIE") != NULL;
}

static bool is_file(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

static bool fails(int fd)
{
	if (!armed || fault_at == 0 || (fd != AT_FDCWD && !is_file(fd)) || ++calls != fault_at)
		return false;
	if (dies)
		_exit(99);
	errno = ENOSPC;
	return true;
}

void __real_sandbox_enter(const struct sandbox_profile *profile,
			  const struct sandbox_fd_rule *fd_rules, size_t fd_rule_count,
			  pid_t parent_pid);
void __wrap_sandbox_enter(const struct sandbox_profile *profile,
			  const struct sandbox_fd_rule *fd_rules, size_t fd_rule_count,
			  pid_t parent_pid)
{
	__real_sandbox_enter(profile, fd_rules, fd_rule_count, parent_pid);
	armed = true;
}

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	/* A line that is cut in the middle is what the last write before a power cut leaves. */
	if (armed && dies && fault_at == calls + 1 && is_file(fd) && len > 1)
		(void)!__real_write(fd, data, len / 2);
	return fails(fd) ? -1 : __real_write(fd, data, len);
}

#define WRAP(type, name, parameters, fd, arguments)                                                \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return fails(fd) ? -1 : __real_##name arguments;                                   \
	}

WRAP(ssize_t, pwrite64, (int fd, const void *data, size_t len, off_t at), fd, (fd, data, len, at))
WRAP(ssize_t, pread64, (int fd, void *data, size_t len, off_t at), fd, (fd, data, len, at))
WRAP(ssize_t, pread, (int fd, void *data, size_t len, off_t at), fd, (fd, data, len, at))
WRAP(int, fsync, (int fd), fd, (fd))
WRAP(int, fdatasync, (int fd), fd, (fd))
WRAP(int, openat, (int fd, const char *path, int flags, mode_t mode), fd, (fd, path, flags, mode))
WRAP(int, renameat2, (int fd, const char *from, int to_fd, const char *to, unsigned int flags), fd,
     (fd, from, to_fd, to, flags))
WRAP(int, unlinkat, (int fd, const char *path, int flags), fd, (fd, path, flags))
WRAP(int, ftruncate, (int fd, off_t len), fd, (fd, len))
WRAP(int, ftruncate64, (int fd, off_t len), fd, (fd, len))
WRAP(int, mkdirat, (int fd, const char *path, mode_t mode), fd, (fd, path, mode))
WRAP(int, flock, (int fd, int operation), fd, (fd, operation))

/* A descriptor whose close failed is closed all the same. */
int __real_close(int fd);
int __wrap_close(int fd)
{
	bool failed = fails(fd);

	return __real_close(fd) != 0 || failed ? -1 : 0;
}

int __real_clock_gettime(clockid_t id, struct timespec *now);
int __wrap_clock_gettime(clockid_t id, struct timespec *now)
{
	int answer = __real_clock_gettime(id, now);

	if (id == CLOCK_REALTIME)
		now->tv_sec += later;
	return answer;
}
