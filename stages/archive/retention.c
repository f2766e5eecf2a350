/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/retention.h"

#include "ipc/event.h"

#include <string.h>

#define SECONDS_PER_DAY UINT64_C(86400)

static uint64_t unit_seconds(const char *unit)
{
	if (strcmp(unit, "h") == 0)
		return 3600;
	if (strcmp(unit, "d") == 0)
		return SECONDS_PER_DAY;
	return strcmp(unit, "y") == 0 ? 365 * SECONDS_PER_DAY : 0;
}

bool retention_read(const char *text, uint64_t *seconds)
{
	uint64_t number = 0, unit;

	if (strcmp(text, "forever") == 0) {
		*seconds = RETENTION_NEVER;
		return true;
	}
	if (*text < '1' || *text > '9' || strlen(text) >= RETENTION_SIZE)
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		number = number * 10 + (uint64_t)(*text - '0');
		if (number > RETENTION_MAX_SEC)
			return false;
	}
	unit = unit_seconds(text);
	if (unit == 0 || number > RETENTION_MAX_SEC / unit)
		return false;
	*seconds = number * unit;
	return *seconds >= RETENTION_MIN_SEC;
}

static unsigned int digits(const char *text, size_t len)
{
	unsigned int value = 0;

	for (size_t i = 0; i < len; i++)
		value = value * 10 + (unsigned int)(text[i] - '0');
	return value;
}

/* Days since 0000-03-01, years counted from 1 March so that the leap day is the last one. */
static uint64_t days_of(unsigned int year, unsigned int month, unsigned int day)
{
	unsigned int from_march = month > 2 ? month - 3 : month + 9;
	uint64_t years = month > 2 ? year : year - 1;

	return years * 365 + years / 4 - years / 100 + years / 400 + (153 * from_march + 2) / 5 +
	       day - 1;
}

bool retention_moment(const char *timestamp, uint64_t *seconds)
{
	uint64_t epoch = days_of(1970, 1, 1), days;

	if (!event_timestamp_valid(timestamp) || digits(timestamp, 4) < 1970)
		return false;
	days = days_of(digits(timestamp, 4), digits(timestamp + 5, 2), digits(timestamp + 8, 2));
	*seconds = (days - epoch) * SECONDS_PER_DAY + digits(timestamp + 11, 2) * 3600 +
		   digits(timestamp + 14, 2) * 60 + digits(timestamp + 17, 2);
	return true;
}

uint64_t retention_end(const char *stored_at, const char *retention)
{
	uint64_t kept, start;

	if (!retention_read(retention, &kept) || kept == RETENTION_NEVER ||
	    !retention_moment(stored_at, &start))
		return RETENTION_NEVER;
	return start + kept;
}
