/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_SAMPLER_H
#define MONITOR_SAMPLER_H

#include "ipc/fault.h"
#include "stages/launch/cgroup_read.h"

#include <stdbool.h>
#include <stdint.h>

struct json_object;

/*
 * The run's counters at regular times. The launcher says where they are (run.prepared); the monitor
 * opens only what lies below the directory it took before confinement and bears the run's name.
 */
/*
 * After every SAMPLER_ROUND samples the interval doubles: the longest run a policy allows, a week,
 * takes about 60,000 of them at the default interval, and its report stays within the 64 MiB that
 * sr-verify reads. A run of ten minutes never notices.
 */
#define SAMPLER_ROUND 6000

struct sampler {
	int root_fd; /* O_PATH on CGROUP_ROOT, or -1 */
	uint64_t interval_ms;
	uint64_t next_ms; /* CLOCK_MONOTONIC; 0: not sampling */
	uint64_t taken;	  /* since the interval last changed */
	struct cgroup_reader reader;
	int open_errno; /* of a cgroup that could not be opened; 0: none */
};

/* Before confinement. */
void sampler_init(struct sampler *sampler, uint64_t interval_ms);
void sampler_release(struct sampler *sampler);

/*
 * cgroup is run.prepared's {"mode","paths"}. A fault (with the code given) is a path that is no
 * cgroup of this run; a cgroup that is not readable is remembered in open_errno instead.
 */
enum fault_code sampler_open(struct sampler *sampler, struct json_object *cgroup,
			     const char *run_id, enum fault_code code, struct fault *fault)
	__attribute__((warn_unused_result));

void sampler_start(struct sampler *sampler, uint64_t now_ms);
void sampler_stop(struct sampler *sampler);

/* Milliseconds until the next sample is due, for poll(2); -1 while not sampling. */
int sampler_timeout(const struct sampler *sampler, uint64_t now_ms);

/* A new resource.sampled payload when one is due and there is anything to tell; else NULL. */
struct json_object *sampler_take(struct sampler *sampler, uint64_t now_ms);

#endif
