/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_POLLSET_H
#define MONITOR_POLLSET_H

#include <poll.h>

/* What one round of the loop waits for: each part adds its descriptors and looks at its answers. */
#define POLLSET_MAX 8

struct pollset {
	struct pollfd entries[POLLSET_MAX];
	nfds_t count;
};

/* A place in the set, or POLLSET_NOT_WAITING. */
#define POLLSET_NOT_WAITING POLLSET_MAX

nfds_t pollset_add(struct pollset *set, int fd, short events);
/* What poll(2) answered for that place; 0 for POLLSET_NOT_WAITING. */
short pollset_answer(const struct pollset *set, nfds_t place);

#endif
