/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/inspect/units.h"

#include <inttypes.h>
#include <stdio.h>

#define NS_MS  UINT64_C(1000000)
#define NS_S   UINT64_C(1000000000)
#define MINUTE 60
#define HOUR   3600

void units_bytes(uint64_t bytes, char out[UNITS_SIZE])
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	uint64_t whole = bytes, rest = 0;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(out, UNITS_SIZE, "%" PRIu64 " B", bytes);
		return;
	}
	for (rest = whole % 1024, whole /= 1024; whole >= 1024; whole /= 1024, unit++)
		rest = whole % 1024;
	snprintf(out, UNITS_SIZE, "%" PRIu64 ".%" PRIu64 " %s", whole, rest * 10 / 1024,
		 names[unit]);
}

void units_duration(uint64_t ns, char out[UNITS_SIZE])
{
	uint64_t seconds = ns / NS_S;

	if (seconds < MINUTE)
		snprintf(out, UNITS_SIZE, "%" PRIu64 ".%03" PRIu64 " s", seconds,
			 ns / NS_MS % 1000);
	else if (seconds < HOUR)
		snprintf(out, UNITS_SIZE, "%" PRIu64 " min %02" PRIu64 " s", seconds / MINUTE,
			 seconds % MINUTE);
	else
		snprintf(out, UNITS_SIZE, "%" PRIu64 " h %02" PRIu64 " min", seconds / HOUR,
			 seconds % HOUR / MINUTE);
}

void units_offset(uint64_t ns, char out[UNITS_SIZE])
{
	snprintf(out, UNITS_SIZE, "+%" PRIu64 ".%03" PRIu64, ns / NS_S, ns / NS_MS % 1000);
}

void units_cpus(uint64_t thousandths, char out[UNITS_SIZE])
{
	snprintf(out, UNITS_SIZE, "%" PRIu64 ".%02" PRIu64, thousandths / 1000,
		 thousandths % 1000 / 10);
}
