/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/event.h"

#include <string.h>
#include <time.h>

#define SECONDS_PER_DAY 86400
#define DAYS_PER_CYCLE	146097 /* 400 years of the Gregorian calendar */
#define DAYS_TO_EPOCH	719468 /* 0000-03-01 to 1970-01-01 */

struct date {
	unsigned int year, month, day;
};

/*
 * Days since 1970-01-01 as a date. Years are counted from 1 March, so that the leap day is the last
 * one. gmtime_r(3) would do, but glibc's reads /etc/localtime on its first call, and a confined
 * stage opens no file.
 */
static struct date date_of(uint64_t days)
{
	uint64_t shifted = days + DAYS_TO_EPOCH;
	uint64_t cycle = shifted / DAYS_PER_CYCLE;
	unsigned int day_of_cycle = (unsigned int)(shifted % DAYS_PER_CYCLE);
	unsigned int year_of_cycle = (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36524 -
				      day_of_cycle / 146096) /
				     365;
	unsigned int day_of_year =
		day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
	unsigned int month_from_march = (5 * day_of_year + 2) / 153;
	struct date date = {
		.year = (unsigned int)cycle * 400 + year_of_cycle,
		.month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9,
		.day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
	};

	if (date.month <= 2)
		date.year++;
	return date;
}

static void put_digits(char *out, size_t len, unsigned int value)
{
	while (len > 0) {
		out[--len] = (char)('0' + value % 10);
		value /= 10;
	}
}

void event_timestamp_format(uint64_t seconds, unsigned int nanoseconds,
			    char out[EVENT_TIMESTAMP_SIZE])
{
	unsigned int of_day = (unsigned int)(seconds % SECONDS_PER_DAY);
	struct date date = date_of(seconds / SECONDS_PER_DAY);

	memcpy(out, "0000-00-00T00:00:00.000000000Z", EVENT_TIMESTAMP_SIZE);
	put_digits(out, 4, date.year % 10000);
	put_digits(out + 5, 2, date.month);
	put_digits(out + 8, 2, date.day);
	put_digits(out + 11, 2, of_day / 3600);
	put_digits(out + 14, 2, of_day / 60 % 60);
	put_digits(out + 17, 2, of_day % 60);
	put_digits(out + 20, 9, nanoseconds);
}

void event_timestamp_now(char out[EVENT_TIMESTAMP_SIZE])
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_REALTIME, &now);
	/* A clock before 1970 has no place in the format. */
	event_timestamp_format(now.tv_sec > 0 ? (uint64_t)now.tv_sec : 0, (unsigned int)now.tv_nsec,
			       out);
}

static unsigned int number(const char *text, size_t len)
{
	unsigned int value = 0;

	for (size_t i = 0; i < len; i++)
		value = value * 10 + (unsigned int)(text[i] - '0');
	return value;
}

static unsigned int days_in(unsigned int year, unsigned int month)
{
	static const unsigned int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

bool event_timestamp_valid(const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddddddddZ";
	unsigned int month, day;

	if (strnlen(text, sizeof(form)) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';

		if (form[i] == 'd' ? !digit : text[i] != form[i])
			return false;
	}
	month = number(text + 5, 2);
	day = number(text + 8, 2);
	if (month < 1 || month > 12 || day < 1 || day > days_in(number(text, 4), month))
		return false;
	/* No leap second: the kernel's clock never shows one. */
	return number(text + 11, 2) <= 23 && number(text + 14, 2) <= 59 &&
	       number(text + 17, 2) <= 59;
}
