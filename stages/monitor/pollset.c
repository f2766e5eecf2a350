/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/monitor/pollset.h"

#include <stdlib.h>

nfds_t pollset_add(struct pollset *set, int fd, short events)
{
	if (set->count == POLLSET_MAX)
		abort(); /* more parts than the loop has */
	set->entries[set->count] = (struct pollfd){.fd = fd, .events = events};
	return set->count++;
}

short pollset_answer(const struct pollset *set, nfds_t place)
{
	return place < set->count ? set->entries[place].revents : 0;
}
