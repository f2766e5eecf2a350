/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_DEVICE_H
#define LAUNCH_DEVICE_H

#include "ipc/fault.h"

#include <stdbool.h>

struct plan;
struct root;

/*
 * /dev of the sandbox: null zero full random urandom tty, an own instance of /dev/pts, and the
 * links to /proc/self/fd. Nothing else; the directory is part of the read-only root. As root the nodes
 * are the sandbox's own, else and where none can be made they are the host's.
 */
enum fault_code device_make(const struct root *root, bool rootless, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * /dev/kvm, for a VMM alone. As root it is a node of the sandbox's own, which belongs to the
 * workload's uid: the host's may be root's. Else the host's is bound, as far as the caller may use
 * it.
 */
enum fault_code device_add_kvm(const struct root *root, const struct plan *plan,
			       struct fault *fault) __attribute__((warn_unused_result));

#endif
