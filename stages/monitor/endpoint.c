/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/monitor/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(ENDPOINT_CAREFUL_MAX <= PIPE_BUF, "one write of it never waits after POLLOUT");

static int open_anew(int fd, int access)
{
	char path[sizeof("/proc/self/fd/") + 12];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

struct endpoint endpoint_open(int fd, int access)
{
	struct stat info;
	struct endpoint endpoint = {.kind = ENDPOINT_CAREFUL, .fd = fd};

	if (fd < 0 || fstat(fd, &info) != 0)
		return (struct endpoint){.kind = ENDPOINT_NONE, .fd = -1};
	if (S_ISREG(info.st_mode) || (S_ISCHR(info.st_mode) && !isatty(fd))) {
		endpoint.kind = ENDPOINT_STEADY;
	} else if (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode)) {
		int own = open_anew(fd, access);

		if (own >= 0)
			endpoint = (struct endpoint){.kind = ENDPOINT_OWN, .fd = own};
	}
	return endpoint;
}

ssize_t endpoint_write(const struct endpoint *endpoint, const void *data, size_t len)
{
	if (endpoint->kind == ENDPOINT_CAREFUL && len > ENDPOINT_CAREFUL_MAX)
		len = ENDPOINT_CAREFUL_MAX;
	ssize_t put = write(endpoint->fd, data, len);
	if (put < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return put;
}

void endpoint_close(struct endpoint *endpoint)
{
	if (endpoint->fd >= 0)
		(void)close(endpoint->fd);
	*endpoint = (struct endpoint){.kind = ENDPOINT_NONE, .fd = -1};
}
