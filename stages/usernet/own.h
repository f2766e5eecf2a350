/* SPDX-License-Identifier: Apache-2.0 */
#ifndef USERNET_OWN_H
#define USERNET_OWN_H

#include "ipc/fault.h"
#include "stages/filter/net4.h"
#include "stages/uplink/rtnetlink.h"

#include <stdbool.h>
#include <stddef.h>

struct uplink_plan;

/*
 * What ends on this host. A connection out of the sandbox is made anew by a process of the host's,
 * where no packet filter tells it from the user's own: what the host takes for itself has to be known
 * to the run's filter, before the run and while it goes on.
 */
#define OWN_MAX 192 /* with what else is closed, sr-filter takes 256 */

struct own {
	struct rtnetlink link;	/* answers */
	struct rtnetlink watch; /* news */
	struct net4 nets[OWN_MAX];
	size_t count;
	bool leaves; /* there is a default route */
};

/* Both sockets, before confinement. 0, or -1 with errno. */
int own_open(struct own *own) __attribute__((warn_unused_result));
void own_close(struct own *own);

/* Its local routes (all tables): addresses, and networks made local. */
enum fault_code own_read(struct own *own, struct fault *fault) __attribute__((warn_unused_result));

/*
 * watch.fd is readable. A fault when the host has taken an address since, which the plan's rules lead
 * to and nobody closed.
 */
enum fault_code own_check(struct own *own, const struct uplink_plan *plan, struct fault *fault)
	__attribute__((warn_unused_result));

/* A network of 256 addresses for the inside, which no rule of the plan means and the host has not. */
enum fault_code own_choose(const struct own *own, const struct uplink_plan *plan, struct net4 *net,
			   struct fault *fault) __attribute__((warn_unused_result));

#endif
