/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_SHARE_H
#define LAUNCH_SHARE_H

#include "ipc/fault.h"

#include <stddef.h>

struct apart;

/*
 * The policy's mounts, read-only with all that is mounted below them. Each source is opened once;
 * what is open must be what the validation saw (device, inode, and the path the kernel has for it),
 * and is what gets mounted, so a path that is swapped meanwhile changes nothing. All are looked at
 * before the first is mounted; where one cannot be, those before it are taken back, the last first.
 *
 * Each step is told through report_fd as {"type":"mount","index","state"} with state validated,
 * applied, or rejected beside "reason", the latter also for what was taken back.
 */
enum fault_code share_mounts(struct apart *apart, int report_fd, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
