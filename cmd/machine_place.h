/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_MACHINE_PLACE_H
#define CMD_MACHINE_PLACE_H

#include "ipc/fault.h"

#include <limits.h>
#include <stdbool.h>

/*
 * What a microVM is started from: --artifacts, else $SAFE_RUN_ARTIFACTS, else
 * safe-run/artifacts/default below /var/lib for root, $XDG_DATA_HOME or ~/.local/share for others.
 */
#define MACHINE_PLACE_VARIABLE "SAFE_RUN_ARTIFACTS"
#define MACHINE_PLACE_ROOT     "/var/lib/safe-run/artifacts/default"

/* The default directory's name; false when there is none, for HOME is not set. */
bool machine_place_default(char out[PATH_MAX]);

/*
 * The directory, open for reading, in *fd; the caller's. -1 without a fault when nobody named one
 * and the default is not there: whether it is needed, the policy says.
 */
enum fault_code machine_place_open(const char *given, int *fd, struct fault *fault)
	__attribute__((warn_unused_result));

/* Where firecracker and jailer are, by $SAFE_RUN_FIRECRACKER_DIR; NULL: the launcher looks itself. */
#define MACHINE_PLACE_FIRECRACKER "SAFE_RUN_FIRECRACKER_DIR"
const char *machine_place_firecracker(const char *vmm);

#endif
