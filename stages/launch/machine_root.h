/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_MACHINE_ROOT_H
#define LAUNCH_MACHINE_ROOT_H

#include "ipc/fault.h"

struct plan;
struct root;

/*
 * init's part of a machine: /dev/kvm for the VMM alone, and the directory for what comes out of the
 * guest, a part of the private tmpfs that has no place in the VMM's root. That one and the sockets'
 * are handed to the launcher, as "workdir" and "sockets".
 */
enum fault_code machine_root(const struct root *root, const struct plan *plan, int report_fd,
			     struct fault *fault) __attribute__((warn_unused_result));

#endif
