/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_SUPERVISE_H
#define CMD_SUPERVISE_H

#include "cmd/pipeline.h"
#include "cmd/result.h"
#include "cmd/signals.h"
#include "cmd/tty.h"

/*
 * Watch a pipeline until every stage has ended and is reaped: pass signals on, tell seal how the
 * others ended, read seal's result. The run has no deadline here; the launcher enforces it.
 *
 * The third signal that asks for an end kills the workload, the fourth the launcher: the kernel
 * then ends the workload with it.
 */
void supervise(struct pipeline *pipeline, struct signals *signals, struct tty *tty,
	       const char *run_id, struct result *result);

#endif
