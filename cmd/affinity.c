/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/affinity.h"

#include <sched.h>
#include <string.h>

static bool set_all_but(int processor)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	if (processor >= 0)
		CPU_CLR((size_t)processor, &all);
	return sched_setaffinity(0, sizeof(all), &all) == 0;
}

static bool set_all(void)
{
	return set_all_but(AFFINITY_NONE);
}

static int current(void)
{
	int processor = sched_getcpu();

	return processor < CPU_SETSIZE ? processor : AFFINITY_NONE;
}

/* What the kernel makes of a mask of all tells whether there was a narrower one, to be put back. */
bool affinity_is_free(unsigned *processors)
{
	cpu_set_t was, widest;

	*processors = 0;
	/* More processors than a cpu_set_t has (1024): EINVAL. */
	if (sched_getaffinity(0, sizeof(was), &was) != 0)
		return false;
	*processors = (unsigned)CPU_COUNT(&was);
	if (!set_all())
		return false;
	if (sched_getaffinity(0, sizeof(widest), &widest) == 0 && CPU_EQUAL(&was, &widest))
		return true;
	(void)sched_setaffinity(0, sizeof(was), &was);
	return false;
}

void affinity_stay(void)
{
	int processor = current();
	cpu_set_t here;

	if (processor < 0)
		return;
	CPU_ZERO(&here);
	CPU_SET((size_t)processor, &here);
	(void)sched_setaffinity(0, sizeof(here), &here);
}

int affinity_leave(void)
{
	int processor = current();

	/* EINVAL: there is no other. */
	return processor >= 0 && set_all_but(processor) ? processor : AFFINITY_NONE;
}

void affinity_restore(int avoided)
{
	(void)set_all_but(avoided);
}
