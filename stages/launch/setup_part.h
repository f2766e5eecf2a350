/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_SETUP_PART_H
#define LAUNCH_SETUP_PART_H

#include "ipc/fault.h"

struct json_object;
struct launch;
struct plan;

/* What setup.c and firecracker_setup.c have of each other: a start of either kind needs these. */

#define SETUP_MS 60000 /* a network file system below a mount may hang; a run may not */

/* The run's cgroup, limited and read back. */
enum fault_code setup_cgroup(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* {"type":"failed"}: the child's own words. */
enum fault_code setup_told_failure(struct launch *launch, struct json_object *message,
				   struct fault *fault) __attribute__((warn_unused_result));

/* Clauses of what the launcher and sr-monitor hold a run to. */
void setup_own_clauses(const struct launch *launch, struct json_object *enforcement);

/* The command's streams are with whoever uses them. */
void setup_close_streams(struct plan *plan);

#endif
