/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/affinity.h"

#include <sched.h>
#include <string.h>

static bool set_all(void)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	return sched_setaffinity(0, sizeof(all), &all) == 0;
}

/* What the kernel makes of a mask of all tells whether there was a narrower one, to be put back. */
bool affinity_is_free(void)
{
	cpu_set_t was, widest;

	/* More processors than a cpu_set_t has (1024): EINVAL. */
	if (sched_getaffinity(0, sizeof(was), &was) != 0 || !set_all())
		return false;
	if (sched_getaffinity(0, sizeof(widest), &widest) == 0 && CPU_EQUAL(&was, &widest))
		return true;
	(void)sched_setaffinity(0, sizeof(was), &was);
	return false;
}

bool affinity_stay(void)
{
	int processor = sched_getcpu();
	cpu_set_t here;

	if (processor < 0 || processor >= CPU_SETSIZE)
		return false;
	CPU_ZERO(&here);
	CPU_SET((size_t)processor, &here);
	return sched_setaffinity(0, sizeof(here), &here) == 0;
}

void affinity_restore(void)
{
	(void)set_all();
}
