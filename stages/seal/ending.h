/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_ENDING_H
#define SEAL_ENDING_H

#include "ipc/fault.h"
#include "stages/seal/head.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How a run ended, held against what its closing event says of it. The rules are those by which
 * the monitor decides (stages/monitor/outcome.h), written a second time on purpose: who seals and
 * who verifies does not take the witness's conclusion on trust. The unit tests hold both equal.
 */
#define ENDING_SIGNAL_SIZE 16 /* of a signal's name, as the monitor keeps it */

enum ending_stop {
	ENDING_STOP_NONE,
	ENDING_STOP_OUTPUT,
	ENDING_STOP_INTERRUPTED,
	ENDING_STOP_MONITOR,
	ENDING_STOP_GUEST,
	ENDING_STOP_NETWORK,
	ENDING_STOP_COUNT
};

struct ending {
	bool exited; /* vm.exited came; all but the last two are its */
	bool setup;  /* a step failed before the command ran */
	bool deadline;
	bool has_status;
	int64_t status; /* exit code */
	int64_t signal; /* number; 0: none */
	char signal_name[ENDING_SIGNAL_SIZE];
	enum ending_stop stop;
	uint64_t forwarded; /* bit n: signal n was passed on */
	int64_t oom_kills, pids_hits;
	bool output_exceeded; /* output.truncated, reason limit */
	bool log_failed;      /* output.truncated, reason file */
};

/* Whether a vm.exited or output.truncated payload says one thing with one voice. */
enum fault_code ending_check_exited(struct span payload, enum fault_code code, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code ending_check_truncated(struct span payload, enum fault_code code,
				       struct fault *fault) __attribute__((warn_unused_result));

/* Take a payload that passed. */
void ending_take_exited(struct ending *ending, struct span payload);
void ending_take_truncated(struct ending *ending, struct span payload);

/* Whether a closing event says nothing but what its witness could conclude. */
enum fault_code ending_check_closing(const struct ending *ending, const struct head *event,
				     enum fault_code code, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
