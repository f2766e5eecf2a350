/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_DESCRIPTOR_H
#define CMD_DESCRIPTOR_H

#include <unistd.h>

/*
 * Close *fd when it is one, and make it -1, so that it is closed once however often it is released.
 * What close(2) answers is of no use here: what had to reach a disk was flushed before.
 */
static inline void descriptor_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

#endif
