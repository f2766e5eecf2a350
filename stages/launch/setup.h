/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_SETUP_H
#define LAUNCH_SETUP_H

#include "ipc/fault.h"
#include "stages/launch/launch.h"

/*
 * From nothing to a parked, confined, read-back workload, and its exec: the launcher's side of
 * init.h and workload.h.
 */

/* Clone init; it starts on what needs no plan while we wait for the bundle. */
enum fault_code setup_start(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * The plan is admitted and its root identified: init may build it, in namespaces nothing leads out
 * of, while the first event is written. Of a run that comes to nothing after all it ends with init.
 */
enum fault_code setup_build(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* Then: build the root, make the cgroup, fork, confine, read back, run.prepared. */
enum fault_code setup_prepare(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* Let it exec; vm.started. launch->exec_errno says why when that failed. */
enum fault_code setup_exec(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
