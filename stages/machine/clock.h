/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MACHINE_CLOCK_H
#define MACHINE_CLOCK_H

#include <stdint.h>

/*
 * How fast the processor's time stamp counter runs, against CLOCK_MONOTONIC_RAW. A guest under TCG
 * reads the host's counter and has nothing to measure it with but a timer that is emulated: on a
 * busy host that fails, and its kernel waits for a tick that never comes.
 */
struct clock_sample {
	uint64_t ticks, ns;
};

void clock_sample(struct clock_sample *sample);

/* Since start, in kHz; waits until at least 10 ms have passed. */
uint64_t clock_tsc_khz(const struct clock_sample *start);

#endif
