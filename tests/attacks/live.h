/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ATTACKS_LIVE_H
#define ATTACKS_LIVE_H

#include "tests/attacks/run.h"

#include <sys/types.h>

/* A run watched while it lives: safe-run in the background, its streams in files of the test's. */
struct live {
	struct attack *attack;
	pid_t pid;	   /* safe-run's */
	int out_fd;	   /* the reading end of its stdout when it was made a pipe; else -1 */
	char record[4200]; /* stages/launch.ndjson, once the run directory is there */
};

/* pipe_out: stdout is a pipe nobody reads yet, instead of a file. */
void live_start(struct live *live, struct attack *attack, bool pipe_out);
/* Wait until the workload runs (vm.started in the launcher's record); false when safe-run ended. */
bool live_wait_started(struct live *live);
/* A value in the payload of the last such event in the launcher's record; the caller frees it. */
char *live_event(struct live *live, const char *type, const char *name);
/* A child of safe-run by the name of its executable; 0 when there is none. */
pid_t live_stage(const struct live *live, const char *name);
/* Whether it ends by itself within limit_ms; it is not waited for yet. */
bool live_ends(const struct live *live, unsigned limit_ms);
/* safe-run's end, at most limit_ms away; its status as a shell would show it, or -1: still there,
 * and killed now. */
int live_end(struct live *live, unsigned limit_ms);
/* After the end: the report, when there is one and it is whole or incomplete. NULL: no report. */
const char *live_verdict(struct live *live);

#endif
