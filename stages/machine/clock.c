/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/machine/clock.h"

#include <time.h>
#include <x86intrin.h>

#define LEAST_NS     6000000U
#define NS_PER_MS    1000000U
#define TRIES	     5
#define TICKS_UNSURE UINT64_MAX

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The best of some tries: between two looks at the counter somebody else may have run. */
void clock_sample(struct clock_sample *sample)
{
	uint64_t best = TICKS_UNSURE;

	for (int i = 0; i < TRIES; i++) {
		uint64_t before = __rdtsc();
		uint64_t ns = now_ns();
		uint64_t after = __rdtsc();

		if (after - before >= best)
			continue;
		best = after - before;
		sample->ticks = before + best / 2;
		sample->ns = ns;
	}
}

uint64_t clock_tsc_khz(const struct clock_sample *start)
{
	struct clock_sample now;

	do
		clock_sample(&now);
	while (now.ns - start->ns < LEAST_NS);
	return (uint64_t)((__uint128_t)(now.ticks - start->ticks) * NS_PER_MS /
			  (now.ns - start->ns));
}
