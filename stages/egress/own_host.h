/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EGRESS_OWN_HOST_H
#define EGRESS_OWN_HOST_H

#include "stages/uplink/rtnetlink.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether address (host byte order) is one of the machine's own or one of its gateways: sr-egress
 * connects from the host's network namespace, where the run's packet filter sees nothing, and a name
 * that leads here would open what listens here, or what only this network is to reach. Asked of the
 * kernel each time, for addresses and routes come and go: which kind of route it would take, and whose
 * gateway it is. An address that cannot be asked for counts as our own.
 */
struct own_host {
	struct rtnetlink link; /* opened before confinement */
};

/* 0, or -1 with errno. */
int own_host_open(struct own_host *host) __attribute__((warn_unused_result));
bool own_host_has(struct own_host *host, uint32_t address);

/* 127/8 and 0/8: this machine's own whoever lists it, for a run's loopback is another. */
bool own_host_loopback(uint32_t address);

#endif
