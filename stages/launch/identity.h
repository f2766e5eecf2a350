/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_IDENTITY_H
#define LAUNCH_IDENTITY_H

#include "ipc/fault.h"

#include <sys/types.h>

struct plan;

/*
 * Who the workload is: as root a uid and gid of this run alone, 0x6F000000 and 20 bits of the run
 * id's hash, which no passwd file has; else the caller, seen as NAMESPACE_ROOTLESS_ID.
 */
uid_t identity_for_run(const char *run_id);

/*
 * Become plan->uid and plan->gid for good: no groups, no capability in any set, the securebits
 * locked. init and the workload do this each for themselves.
 */
enum fault_code identity_drop(const struct plan *plan, struct fault *fault)
	__attribute__((warn_unused_result));

/* The plan's rlimits, never above the ones there are. */
enum fault_code identity_limit(const struct plan *plan, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
