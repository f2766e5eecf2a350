/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_RERUN_H
#define CMD_RERUN_H

#include "cmd/replay.h"

/*
 * Carry out a replayed run again: the recorded bundle goes to the launcher, in a run directory of
 * its own, when sr-compare finds that nothing went into the run that is not on record. The step
 * REPLAY_OUTCOME says what it came to, or why it was not. The command's output goes to the new run
 * directory alone; its standard input is empty.
 */
struct rerun_options {
	const char *workdir; /* as for safe-run run, or NULL */
	bool best_effort;    /* of who asks for it now: what was taken then is no consent */
};

enum fault_code rerun(struct replay *replay, const struct run_record *record,
		      const struct spawn_home *home, const struct rerun_options *options,
		      struct fault *fault) __attribute__((warn_unused_result));

#endif
