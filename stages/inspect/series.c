/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/inspect/series.h"

/* Less time than this says nothing about a rate: the launcher's last sample follows the monitor's
 * at once. */
#define CPU_SPAN_MIN_NS 5000000U
#define CPU_MAX		(4096U * 1000U)

void series_init(struct series *series, size_t expected)
{
	*series = (struct series){.expected = expected};
}

static uint64_t counter(struct span payload, const char *group, const char *name)
{
	int64_t number = 0;

	return span_integer(span_get(span_get(payload, group), name), &number) && number > 0
		       ? (uint64_t)number
		       : 0;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Microseconds used in nanoseconds passed; a counter that goes back counts as standing still. */
static void set_cpu(struct series *series, struct series_point *point, uint64_t usage_us)
{
	uint64_t passed_ns = point->at_ns - series->last_at_ns;
	uint64_t used_us = usage_us > series->last_usage_us ? usage_us - series->last_usage_us : 0;

	if (point->at_ns < series->last_at_ns || passed_ns < CPU_SPAN_MIN_NS)
		return;
	if (used_us > passed_ns / 1000 * (CPU_MAX / 1000))
		used_us = passed_ns / 1000 * (CPU_MAX / 1000);
	point->cpu = (uint64_t)((unsigned __int128)used_us * 1000 * 1000 / passed_ns);
	point->cpu_known = true;
	series->cpu_max = greater(series->cpu_max, point->cpu);
	series->last_usage_us = usage_us;
	series->last_at_ns = point->at_ns;
}

void series_take(struct series *series, uint64_t at_ns, struct span payload)
{
	size_t expected = series->expected > SERIES_POINTS ? series->expected : SERIES_POINTS;
	size_t index = series->samples++ * SERIES_POINTS / expected;
	uint64_t usage_us = counter(payload, "cpu", "usageUs");
	struct series_point *point;

	if (index >= SERIES_POINTS)
		return; /* more than were announced */
	point = &series->points[index];
	series->count = index + 1;
	point->at_ns = at_ns;
	point->memory_bytes =
		greater(point->memory_bytes, counter(payload, "memory", "currentBytes"));
	point->pids = greater(point->pids, counter(payload, "pids", "current"));
	series->memory_max = greater(series->memory_max, point->memory_bytes);
	series->pids_max = greater(series->pids_max, point->pids);
	/* Of several samples in one point the last one closes it. */
	if (series->samples * SERIES_POINTS / expected != index ||
	    series->samples == series->expected)
		set_cpu(series, point, usage_us);
}

uint64_t series_value(const struct series_point *point, enum series_kind kind)
{
	switch (kind) {
	case SERIES_CPU:
		return point->cpu;
	case SERIES_MEMORY:
		return point->memory_bytes;
	case SERIES_PIDS:
		return point->pids;
	}
	__builtin_unreachable();
}

uint64_t series_max(const struct series *series, enum series_kind kind)
{
	switch (kind) {
	case SERIES_CPU:
		return series->cpu_max;
	case SERIES_MEMORY:
		return series->memory_max;
	case SERIES_PIDS:
		return series->pids_max;
	}
	__builtin_unreachable();
}
