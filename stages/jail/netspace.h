/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JAIL_NETSPACE_H
#define JAIL_NETSPACE_H

#include "ipc/fault.h"
#include "stages/jail/base.h"
#include "stages/jail/place.h"

/*
 * The network namespace a machine with a network is put into. jailer's --netns takes a path, and closes
 * what it inherits before it reads its options, so /proc/self/fd is none. The namespace is mounted on a
 * file of root's beside the machine's root, in a mount namespace of the warden's own: nobody else sees
 * that mount, and it ends with the warden, whoever killed it; one in the host's would keep the namespace.
 */
#define NETSPACE_NAME "netns"
#define NETSPACE_PATH JAIL_BASE "/" JAIL_EXEC "/%s/" NETSPACE_NAME /* of the jail's id */

/* That fd is a network namespace, and not the one this process is in, the host's. */
enum fault_code netspace_check(int fd, struct fault *fault) __attribute__((warn_unused_result));

/* In the warden: 0, or -1 with errno. fd -1: there is none. */
int netspace_mount(const struct place *place, int fd) __attribute__((warn_unused_result));

#endif
