/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JAIL_SNAPSHOT_H
#define JAIL_SNAPSHOT_H

#include "ipc/fault.h"
#include "stages/jail/place.h"

/*
 * A machine as it was before it was told any command: JAIL_BASE/snapshots/<key>/state and memory, root's,
 * named after the hash of all it is made from. Firecracker writes both into its own directory while its
 * guest is one of ours still; from there they are taken, and nothing writes to them again. A machine
 * maps memory privately.
 */
#define SNAPSHOT_STATE	"state"
#define SNAPSHOT_MEMORY "memory"

/* Both into the jail, and place->restores, when there is one of that key. */
enum fault_code snapshot_place(struct place *place, const char *key, struct fault *fault)
	__attribute__((warn_unused_result));

/* What lies in the machine's directory becomes the snapshot of that key. */
enum fault_code snapshot_keep(const struct place *place, const char *key, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
