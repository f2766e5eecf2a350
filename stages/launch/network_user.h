/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_NETWORK_USER_H
#define LAUNCH_NETWORK_USER_H

#include "ipc/fault.h"

struct json_object;
struct launch;
struct network;

/*
 * An ordinary user's run's way out. No right over the host's network is needed, and none is there:
 * sr-usernet(1) starts pasta or slirp4netns, which enters the run's namespaces as their owner and
 * makes the user's own connections from what comes out. The packet filter stays sr-filter's, in the
 * run's network namespace, with the right of the run's user namespace.
 */
#define NETWORK_USER_NAME 13 /* characters of an interface's name */

/* With init there and its three descriptors. */
enum fault_code network_user_start(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* What sr-usernet's first record has beside sr-uplink's: the program, and how large a packet may be. */
enum fault_code network_user_take(struct network *network, struct json_object *ready,
				  struct fault *fault) __attribute__((warn_unused_result));

#endif
