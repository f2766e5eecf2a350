/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_NETWORK_MACHINE_H
#define LAUNCH_NETWORK_MACHINE_H

#include "ipc/fault.h"

struct json_object;
struct launch;
struct plan;

/*
 * network.mode allowlist in a machine. The VMM runs in the run's own network namespace, as a command
 * without a machine does, and holds the host's end of an interface there (a TAP) as a descriptor
 * that reads and writes frames and can do nothing else: the right to change the namespace is not
 * the VMM's. What the guest sends comes out of that interface and is forwarded by the policy's
 * rules (stages/filter/ruleset_tap.h); the guest is told its addresses in its job and asks nobody.
 */
#define NETWORK_MACHINE_TAP_FD 5 /* of the VMM; 3 and 4 are taken until the exec (workload.c) */

/* The interface's name, from the run's; nothing without a machine. */
void network_machine_name(struct launch *launch);

/*
 * In init, which is root over its network namespace for as long as it builds: the interface, in
 * plan->machine.tap_fd. Nothing where none is wanted.
 */
enum fault_code network_machine_open(struct plan *plan, struct fault *fault)
	__attribute__((warn_unused_result));

/* For sr-filter's plan, and for the guest's job; NULL: there is none. The caller's. */
struct json_object *network_machine_filter(const struct plan *plan);
struct json_object *network_machine_job(const struct launch *launch);

#endif
