/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INIT_GROUP_H
#define INIT_GROUP_H

#include "ipc/fault.h"
#include "stages/init/job.h"

#include <stdint.h>

/*
 * The command's cgroup in the guest (version 2, cgroups(7)): the policy's own limits on memory and
 * processes, read back, so that they mean in a machine what they mean without one. The host's
 * cgroup around the VMM has room for the guest's kernel beside them.
 */
enum fault_code group_make(const struct job *job, int *group_fd, struct fault *fault)
	__attribute__((warn_unused_result));

/* What the group counted: processes killed for memory, processes refused. 0 where it cannot tell. */
uint64_t group_oom_kills(int group_fd);
uint64_t group_pids_refused(int group_fd);

#endif
