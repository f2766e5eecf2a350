/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_OUTPUTS_H
#define CMD_OUTPUTS_H

#include "cmd/result.h"
#include "cmd/run_options.h"
#include "cmd/rundir.h"
#include "cmd/spawn.h"
#include "ipc/fault.h"

/*
 * What a run's collected outputs are for: a copy in a directory (--output), a diff against a tree
 * (--diff), and that tree with the changes in it (--apply). sr-export and sr-diff do it; the
 * front-end opens directories and tells what they said.
 */
struct outputs {
	int output_fd; /* -1: not asked for, as the next */
	int base_fd;
};

#define OUTPUTS_NONE                                                                               \
	{                                                                                          \
		.output_fd = -1, .base_fd = -1                                                     \
	}

/*
 * Before anything runs: the directory for --output is made, or must be empty; the one of --diff
 * must be there.
 */
enum fault_code outputs_open(struct outputs *outputs, const struct run_options *options,
			     struct fault *fault) __attribute__((warn_unused_result));

/*
 * After the run. What goes wrong is among result's errors, and the run's status is 125 unless it
 * failed itself. Nothing is applied of a run that did not finish.
 */
void outputs_bring(const struct outputs *outputs, const struct run_options *options,
		   const struct spawn_home *home, const struct rundir *rundir,
		   struct result *result);

void outputs_close(struct outputs *outputs);

#endif
