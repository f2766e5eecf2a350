/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_OUTCOME_H
#define MONITOR_OUTCOME_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stdint.h>

struct json_object;

/*
 * How a run ended: a pure function of what the witnesses reported. Nothing is guessed; each cause
 * needs its own fact, and where several hold the first in this order is the one: the launcher lost,
 * never started, deadline, stop, out of memory, seccomp, process limit, CPU limit, signal, exit.
 */
enum outcome_cause {
	OUTCOME_EXIT,
	OUTCOME_SIGNAL,
	OUTCOME_OOM,
	OUTCOME_TIMEOUT,
	OUTCOME_CPU,
	OUTCOME_PIDS,
	OUTCOME_OUTPUT,
	OUTCOME_SECCOMP,
	OUTCOME_SETUP,
	OUTCOME_STAGE_LOST,
	OUTCOME_INTERRUPTED,
	OUTCOME_CAUSE_COUNT
};

/* Why the launcher ended the workload, other than its deadline: vm.exited's stopReason. */
enum outcome_stop {
	OUTCOME_STOP_NONE,
	OUTCOME_STOP_OUTPUT,
	OUTCOME_STOP_INTERRUPTED,
	OUTCOME_STOP_MONITOR,
	OUTCOME_STOP_GUEST,
	OUTCOME_STOP_NETWORK,
	OUTCOME_STOP_COUNT
};

enum outcome_closing { OUTCOME_OPEN, OUTCOME_CLEANED, OUTCOME_FAILED };

#define OUTCOME_NAME_SIZE   48
#define OUTCOME_SIGNAL_SIZE 16

#define OUTCOME_TIMEOUT_STATUS	      124
#define OUTCOME_FAILED_STATUS	      125
#define OUTCOME_NOT_EXECUTABLE_STATUS 126
#define OUTCOME_NOT_FOUND_STATUS      127
#define OUTCOME_SIGNAL_STATUS	      128 /* plus the signal's number */

struct outcome_facts {
	/* The policy, from compile's policySummary; 0 is no limit. */
	uint64_t memory_max;
	uint64_t pids_max;
	uint64_t output_max;
	uint64_t timeout_sec;
	char seccomp[OUTCOME_NAME_SIZE];

	/* The workload, from vm.exited. */
	bool exited;
	bool has_exit_code;
	int exit_code;
	int signal; /* 0: none */
	char signal_name[OUTCOME_SIGNAL_SIZE];
	bool core_dumped;
	bool deadline;
	enum outcome_stop stop;
	uint64_t forwarded; /* bit n: signal n was passed on to it */
	uint64_t oom_kills;
	uint64_t pids_hits;
	char syscall[OUTCOME_NAME_SIZE]; /* what SIGSYS was for, when the launcher knows */

	/* A step that failed before the workload ran, from vm.exited or run.failed; "" when none.
	 */
	char step[FAULT_PATH_SIZE];
	char exec_errno[OUTCOME_NAME_SIZE];

	/* How the launcher's stream ended. */
	enum outcome_closing closing;
	struct fault lost;    /* code FAULT_NONE: the stream was whole and well formed */
	struct fault refused; /* the first error the launcher reported */

	/* What the monitor saw itself. */
	bool output_exceeded;
	struct fault log; /* a log that could not be written; the run is stopped then */
};

struct outcome {
	enum outcome_cause cause;
	bool finished;
	int exit_code;			  /* what safe-run run exits with */
	struct fault error;		  /* code FAULT_NONE when there is nothing to report */
	char summary[FAULT_MESSAGE_SIZE]; /* what happened, for a person; follows the command's name
					   */
};

void outcome_decide(const struct outcome_facts *facts, struct outcome *outcome);

/* "exit", "signal", ... as the report has it. */
const char *outcome_cause_name(enum outcome_cause cause);
/* OUTCOME_STOP_COUNT when no reason has that name; "" and NULL are OUTCOME_STOP_NONE. */
enum outcome_stop outcome_stop_parse(const char *name);

/* A new {"cause","evidence","exitCode","signal","state","summary"}; the caller owns it. */
struct json_object *outcome_to_json(const struct outcome *outcome,
				    const struct outcome_facts *facts);

#endif
