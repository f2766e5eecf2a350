/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_NETWORK_EGRESS_H
#define LAUNCH_NETWORK_EGRESS_H

#include "ipc/fault.h"

#include <stdbool.h>

struct json_object;
struct launch;
struct network;
struct plan;

/*
 * Rules with "match: name": the run's filter turns their connections to a listener on its own
 * loopback, and sr-egress(1), which was given that listener and lives in the host's network
 * namespace, holds each against its name. With wildcards it answers the run's questions too.
 *
 * The sockets are made by the sandbox's init, inside the run's network namespace, before the
 * filter is there and anything of the workload's: so the right to them is that namespace's, the same
 * as root and in a user namespace, and sr-egress enters nothing.
 */
#define NETWORK_EGRESS_PORT	61443 /* above what the kernel chooses for connections */
#define NETWORK_EGRESS_NAMES	"127.0.0.1"
#define NETWORK_EGRESS_REDIRECT "redirect" /* the filter's chain, in events */

/* In init: the sockets, each in a message of its own. 0, or -1 with errno; nothing without rules. */
int network_egress_pass(const struct plan *plan, int channel_fd)
	__attribute__((warn_unused_result));
/* In the launcher: one of them; false when it is not wanted. Takes fd over. */
bool network_egress_take(struct launch *launch, const char *type, int fd);

/* Nothing without such rules. Start it with its plan; then wait until it serves. */
enum fault_code network_egress_start(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code network_egress_ready(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* What it listens on, for the enforcement's evidence; NULL without such rules. The caller's. */
struct json_object *network_egress_describe(const struct plan *plan);

/* The run is over: what it let through and refused becomes events (network_egress_report.c). */
enum fault_code network_egress_report(struct launch *launch, struct json_object *final,
				      struct fault *fault) __attribute__((warn_unused_result));

void network_egress_close(struct network *network);

#endif
