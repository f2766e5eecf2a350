/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INSIDE_TELL_H
#define INSIDE_TELL_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * What an attack program says: one line an attempt, "NAME ok" when it worked, else "NAME ERRNO".
 * The tests read these lines; run bare, as the control, the same program must say ok.
 */
static inline void tell(const char *name, long result)
{
	int error = errno;

	printf("%s %s\n", name, result < 0 ? strerrorname_np(error) : "ok");
	fflush(stdout);
}

static inline void tell_number(const char *name, long long value)
{
	printf("%s %lld\n", name, value);
	fflush(stdout);
}

#endif
