/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/runid.h"

#include "ipc/event.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

int runid_make(char out[RUNID_SIZE])
{
	char now[EVENT_TIMESTAMP_SIZE]; /* YYYY-MM-DDThh:mm:ss.nnnnnnnnnZ */
	uint32_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -1;
	event_timestamp_now(now);
	snprintf(out, RUNID_SIZE, "sr-%.4s%.2s%.2s-%.2s%.2s%.2s-%08x", now, now + 5, now + 8,
		 now + 11, now + 14, now + 17, random);
	return 0;
}

static bool is_alphanumeric(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9');
}

bool runid_valid(const char *text)
{
	size_t len = strnlen(text, RUNID_SIZE);

	if (len == 0 || len > RUNID_MAX || !is_alphanumeric(text[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!is_alphanumeric(text[i]) && text[i] != '-')
			return false;
	return true;
}
