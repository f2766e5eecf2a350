/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_SUMMARY_H
#define CMD_SUMMARY_H

#include "cmd/result.h"
#include "cmd/rundir.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What a person sees on stderr when a run is over: how it ended, how long it took, its peak memory,
 * and where the report is. Colour only on a terminal, and not with NO_COLOR set. Text from a
 * record is escaped.
 *
 * quiet leaves only the failures of safe-run itself, which the workload cannot have told of.
 */
void summary_print(const struct result *result, const struct rundir *rundir, uint64_t elapsed_ms,
		   bool quiet);

#endif
