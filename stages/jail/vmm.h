/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JAIL_VMM_H
#define JAIL_VMM_H

#include "ipc/fault.h"
#include "stages/jail/place.h"
#include "stages/jail/request.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * jailer, and the Firecracker that comes out of it, in pid, network, IPC and UTS namespaces of their
 * own below a pid 1 of ours, which reaps and tells: {"type":"running"}, sent with Firecracker's pid
 * as the packet's credentials, and {"type":"exit"} as the sandbox's init does. When that pid 1 ends,
 * the kernel ends everything below it.
 */
struct vmm {
	pid_t pid; /* of that pid 1; 0: none */
	int pidfd; /* -1 */
};

/* netns_fd: the network namespace it is put into (netspace.h), the caller's; -1: an empty one. */
enum fault_code vmm_start(struct vmm *vmm, const struct request *request, const struct place *place,
			  int netns_fd, int channel_fd, struct fault *fault)
	__attribute__((warn_unused_result));

/* Until it has ended, or the launcher closes its end of the channel. true: there is a word instead. */
bool vmm_attend(const struct vmm *vmm, int channel_fd);

/* Nothing of it lives afterwards. */
void vmm_end(struct vmm *vmm);

#endif
