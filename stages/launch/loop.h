/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_LOOP_H
#define LAUNCH_LOOP_H

#include "ipc/fault.h"
#include "stages/launch/launch.h"

/*
 * While the workload runs: wait for its end, its deadline, a record on the control descriptor, a
 * signal for us, or the end of whoever reads our events. Fills launch->end; the workload may still
 * be alive then.
 */

/* Give up what only the setup needed: all capabilities but CAP_KILL, and most system calls. */
enum fault_code loop_tighten(struct fault *fault) __attribute__((warn_unused_result));

enum fault_code loop_run(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Keep the sandbox's mounts for as long as we are. They would else be taken down within init's own
 * end, which is waited for: 0.5 ms, most of it for the kernel's other processors to take notice
 * (namespace_unlock and kern_unmount_array wait for RCU). So it happens in our exit, beside the
 * stages that write the report; who waits for us still finds nothing left. init must be dumpable.
 */
enum fault_code loop_hold(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Right at any moment, and more than once: kill init, and with it everything in the sandbox, and
 * wait for that; then remove the cgroup, killing what is in it.
 */
void loop_end(struct launch *launch);
void loop_clean(struct launch *launch);

#endif
