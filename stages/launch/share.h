/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_SHARE_H
#define LAUNCH_SHARE_H

#include "ipc/fault.h"

#include <stddef.h>

struct plan;
struct root;

/*
 * The policy's mounts. Each is opened once; what is open must be what the validation saw (device
 * and inode), and is what gets mounted, so a path that is swapped meanwhile changes nothing.
 * Each step is told through report_fd as {"type":"mount","index","state"} with state validated,
 * applied, or rejected beside "reason".
 */
enum fault_code share_mounts(const struct root *root, const struct plan *plan, int report_fd,
			     struct fault *fault) __attribute__((warn_unused_result));

#endif
