/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_COLLECT_H
#define LAUNCH_COLLECT_H

#include "ipc/fault.h"

struct launch;

/*
 * Outputs: what the policy wants out of the work directory. sr-collect reads it as the workload's
 * uid, sr-deposit writes copies as ours; the launcher opens nothing in there. Without
 * --artifacts-fd, by hand, nothing is collected and the event says so.
 */

/*
 * Start both, waiting, while processes can still be made; nothing when the policy has no outputs.
 * After the work directory has come from init.
 */
enum fault_code collect_start(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Once the run is over: end what is left of the sandbox, have the outputs collected, emit
 * outputs.collected. What is missing of them is the fault, and launch->output_errors.
 */
enum fault_code collect_finish(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* End both, whatever became of them; closes the work directory. */
void collect_stop(struct launch *launch);

#endif
