/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/descriptor.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <unistd.h>

/* The lowest of fds at or above from; UINT_MAX when there is none. */
static unsigned next_kept(const int *fds, size_t count, unsigned from)
{
	unsigned lowest = UINT_MAX;

	for (size_t i = 0; i < count; i++)
		if (fds[i] >= 0 && (unsigned)fds[i] >= from && (unsigned)fds[i] < lowest)
			lowest = (unsigned)fds[i];
	return lowest;
}

int descriptor_keep(const int *fds, size_t count)
{
	unsigned from = STDERR_FILENO + 1;

	while (true) {
		unsigned kept = next_kept(fds, count, from);
		unsigned last = kept == UINT_MAX ? UINT_MAX : kept - 1;

		if (from <= last && close_range(from, last, 0) < 0)
			return -1;
		if (kept == UINT_MAX)
			return 0;
		from = kept + 1;
	}
}

int descriptor_null(int fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC);
	int result;

	if (null_fd < 0)
		return -1;
	if (null_fd == fd)
		return fcntl(fd, F_SETFD, 0);
	result = dup2(null_fd, fd);
	(void)close(null_fd);
	return result < 0 ? -1 : 0;
}
