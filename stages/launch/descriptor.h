/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_DESCRIPTOR_H
#define LAUNCH_DESCRIPTOR_H

#include <stddef.h>
#include <unistd.h>

/*
 * Which descriptors a process of the sandbox has. Closing is by exclusion: whatever else is open,
 * from whomever, goes. The first two return 0, or -1 with errno.
 */

/* Close everything from 3 up but these (-1 entries are passed over). */
int descriptor_keep(const int *fds, size_t count) __attribute__((warn_unused_result));

/* Put /dev/null, as found now, on fd. */
int descriptor_null(int fd) __attribute__((warn_unused_result));

/* Close *fd when it is one, and make it -1: closed once, however often what held it is released. */
static inline void descriptor_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

#endif
