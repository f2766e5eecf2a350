/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linked into a copy of sr-seal with --wrap: once it is confined, the FAULT_AT-th of these calls on
 * a file fails with ENOSPC, and with FAULT_STICKY every one behind it. FAULT_SHORT makes each write
 * take one byte less than it could. FAULT_CALL counts only calls of that name. Pipes are never
 * full.
 */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool armed, sticky, shortened;
static long fault_at, calls;
static const char *fault_call;

/* Before main: the skeleton empties the environment. */
__attribute__((constructor)) static void read_environment(void)
{
	const char *at = getenv("FAULT_AT");

	fault_at = at != NULL ? strtol(at, NULL, 10) : 0;
	fault_call = getenv("FAULT_CALL");
	sticky = getenv("FAULT_STICKY") != NULL;
	shortened = getenv("FAULT_SHORT") != NULL;
}

static bool is_file(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

static bool fails(const char *call, int fd)
{
	if (!armed || fault_at == 0 || !is_file(fd) ||
	    (fault_call != NULL && strcmp(call, fault_call) != 0))
		return false;
	calls++;
	errno = ENOSPC;
	return sticky ? calls >= fault_at : calls == fault_at;
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
	return fails("write", fd) ? -1
				  : __real_write(fd, data, shortened && len > 1 ? len - 1 : len);
}

ssize_t __real_pread(int fd, void *data, size_t len, off_t offset);
ssize_t __wrap_pread(int fd, void *data, size_t len, off_t offset)
{
	return fails("pread", fd)
		       ? -1
		       : __real_pread(fd, data, shortened && len > 1 ? len / 2 : len, offset);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd)
{
	return fails("fsync", fd) ? -1 : __real_fsync(fd);
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	return fails("fdatasync", fd) ? -1 : __real_fdatasync(fd);
}

int __real_openat(int directory_fd, const char *path, int flags, mode_t mode);
int __wrap_openat(int directory_fd, const char *path, int flags, mode_t mode)
{
	return fails("openat", directory_fd) ? -1 : __real_openat(directory_fd, path, flags, mode);
}

int __real_close(int fd);
int __wrap_close(int fd)
{
	bool failed = fails("close", fd);

	return __real_close(fd) != 0 || failed ? -1 : 0;
}

int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	return fails("renameat2", from_fd) ? -1 : __real_renameat2(from_fd, from, to_fd, to, flags);
}
