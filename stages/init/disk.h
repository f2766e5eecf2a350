/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INIT_DISK_H
#define INIT_DISK_H

#include "ipc/fault.h"
#include "stages/init/job.h"

/*
 * The job's block devices, all read-only: the root as a mount without a place, in *root_fd (the
 * caller's), and each mount of the policy on /disk/<n> of the guest, which becomes the source of
 * plan->mounts[n]. A disk that does not hold what the job says is a fault.
 */
enum fault_code disk_mount(const struct job *job, struct plan *plan, int *root_fd,
			   struct fault *fault) __attribute__((warn_unused_result));

#endif
