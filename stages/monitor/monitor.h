/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "ipc/record.h"
#include "stages/monitor/endpoint.h"
#include "stages/monitor/input.h"
#include "stages/monitor/relay.h"
#include "stages/monitor/sampler.h"
#include "stages/monitor/witness.h"

#include <stdbool.h>

/* Descriptors the monitor works with; -1 where there is none. */
struct monitor_wiring {
	int out_fd; /* the workload's ends */
	int err_fd;
	int in_fd;
	int terminal_fd; /* the pseudo-terminal's master, instead of the three */
	int out_log_fd;
	int err_log_fd;
	int control_fd;
	struct endpoint copy_out; /* the caller's ends */
	struct endpoint copy_err;
	struct endpoint copy_in;
};

/* One run watched: one loop, no threads, and nothing in it that waits for one peer alone. */
struct monitor {
	struct monitor_wiring wiring;
	struct sampler sampler;
	struct event_writer writer;
	struct witness witness;
	struct record_reader reader;
	struct relay_budget budget;
	struct relay out;
	struct relay err;
	struct input input;
	bool reading;	   /* the launcher's stream is not at its end */
	uint64_t drain_ms; /* when it is: how long output is still waited for */
	bool told_out;	   /* output.truncated is written, once for each stream */
	bool told_err;
	bool stop_sent;
};

/*
 * Watch until the launcher's stream has ended and the output is drained, then write the closing
 * record. A fault means the records did not get through; the run has no witness then, and the
 * caller must end, so that the launcher notices.
 */
enum fault_code monitor_run(struct monitor *monitor, struct record_sink sink, struct fault *fault)
	__attribute__((warn_unused_result));
void monitor_release(struct monitor *monitor);

#endif
