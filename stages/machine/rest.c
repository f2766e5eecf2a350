/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/machine/rest.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#define NS	1000000000LL
#define TICK_NS (2 * NS / 100) /* two of the clock's */

int64_t rest_nanoseconds(const struct timespec *time)
{
	return (int64_t)time->tv_sec * NS + time->tv_nsec;
}

void rest_settle(const struct stat *info)
{
	struct timespec now;
	int64_t left;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	left = rest_nanoseconds(&info->st_ctim) + TICK_NS - rest_nanoseconds(&now);
	if (left <= 0 || left > TICK_NS)
		return;
	now = (struct timespec){.tv_nsec = (long)left};
	while (nanosleep(&now, &now) < 0 && errno == EINTR)
		;
}
