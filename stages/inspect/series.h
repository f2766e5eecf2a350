/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INSPECT_SERIES_H
#define INSPECT_SERIES_H

#include "stages/seal/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The samples of a run as a curve of at most SERIES_POINTS points, however many there are: of the
 * samples that share a point, processor time is the mean and memory and processes the highest.
 */
#define SERIES_POINTS 600

struct series_point {
	uint64_t at_ns;	       /* since the first event: the last of its samples */
	uint64_t cpu;	       /* thousandths of a processor, since the point before */
	uint64_t memory_bytes; /* in use */
	uint64_t pids;
	bool cpu_known; /* there was time since the point before to divide by */
};

struct series {
	struct series_point points[SERIES_POINTS];
	size_t count;
	size_t samples, expected;
	uint64_t cpu_max, memory_max, pids_max; /* over the points */
	uint64_t last_usage_us, last_at_ns;	/* of the point before */
};

/* expected: how many samples will come. */
void series_init(struct series *series, size_t expected);
/* A resource.sampled payload; counters it lacks count as 0. */
void series_take(struct series *series, uint64_t at_ns, struct span payload);

enum series_kind { SERIES_CPU, SERIES_MEMORY, SERIES_PIDS };

uint64_t series_value(const struct series_point *point, enum series_kind kind);
uint64_t series_max(const struct series *series, enum series_kind kind);

#endif
