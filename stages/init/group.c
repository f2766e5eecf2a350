/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/init/group.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE  FAULT_RUN_LAUNCH
#define PATH  "init.cgroup"
#define TOP   "/sys/fs/cgroup"
#define GROUP TOP "/run"

static int write_file(int dir_fd, const char *name, const char *text)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : write(fd, text, strlen(text));
	int error_number = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = error_number;
	return len == (ssize_t)strlen(text) ? 0 : -1;
}

static int read_file(int dir_fd, const char *name, char *out, size_t size)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, out, size - 1);

	if (fd >= 0)
		(void)close(fd);
	out[len > 0 ? len : 0] = '\0';
	return len < 0 ? -1 : 0;
}

/* The kernel keeps whole pages, never more than was asked for. */
static enum fault_code set_limit(int group_fd, const char *name, uint64_t value, uint64_t slack,
				 struct fault *fault)
{
	char text[24], back[64];
	uint64_t effective;

	(void)snprintf(text, sizeof text, "%" PRIu64, value);
	if (write_file(group_fd, name, text) < 0 ||
	    read_file(group_fd, name, back, sizeof back) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot set %s to %s", name, text);
	effective = strtoull(back, NULL, 10);
	if (effective > value || value - effective > slack)
		return fault_set(fault, CODE, PATH, "%s reads back as %.32s, not as %s", name, back,
				 text);
	return FAULT_NONE;
}

enum fault_code group_make(const struct job *job, int *group_fd, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;
	int top_fd = open(TOP, O_PATH | O_DIRECTORY | O_CLOEXEC);

	*group_fd = -1;
	if (top_fd >= 0 && write_file(top_fd, "cgroup.subtree_control", "+memory +pids") == 0 &&
	    mkdir(GROUP, 0755) == 0)
		*group_fd = open(GROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*group_fd < 0)
		code = fault_set_errno(fault, CODE, errno, PATH,
				       "cannot make the command's cgroup");
	if (top_fd >= 0)
		(void)close(top_fd);
	if (code == FAULT_NONE && job->has_memory_max)
		code = set_limit(*group_fd, "memory.max", job->memory_max, 4095, fault);
	/* A guest has no swap; a kernel that can count it is told so all the same. */
	if (code == FAULT_NONE && faccessat(*group_fd, "memory.swap.max", F_OK, 0) == 0)
		code = set_limit(*group_fd, "memory.swap.max", 0, 0, fault);
	if (code == FAULT_NONE && job->has_pids_max)
		code = set_limit(*group_fd, "pids.max", job->pids_max, 0, fault);
	return code;
}

static uint64_t count_of(int group_fd, const char *file, const char *key)
{
	char text[512];
	const char *at;

	if (read_file(group_fd, file, text, sizeof text) < 0)
		return 0;
	at = strstr(text, key);
	return at == NULL ? 0 : strtoull(at + strlen(key), NULL, 10);
}

uint64_t group_oom_kills(int group_fd)
{
	return count_of(group_fd, "memory.events", "oom_kill ");
}

uint64_t group_pids_refused(int group_fd)
{
	return count_of(group_fd, "pids.events", "max ");
}
