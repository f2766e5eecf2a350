/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INIT_NETWORK_H
#define INIT_NETWORK_H

#include "ipc/fault.h"
#include "stages/filter/interface_part.h"

#include <stdbool.h>
#include <stdint.h>

struct fields;
struct plan;

/*
 * The guest's one interface, with the addresses its job says: the host knows them, so nobody is
 * asked (no DHCP, no ARP), and names are pinned in the command's /etc/hosts. What may be reached
 * is the host's to enforce and not decided here.
 */
struct init_network {
	bool wanted;
	uint32_t address, gateway; /* host order */
	uint8_t gateway_mac[INTERFACE_MAC_LEN];
	uint32_t mtu;
};

/* The job's member "network", null or an object (safe-run-ipc(7)); names go to plan->network. */
enum fault_code network_read(struct fields *job, struct init_network *network, struct plan *plan,
			     struct fault *fault) __attribute__((warn_unused_result));

/*
 * The interface goes into the command's network namespace and is set up there: last of all before
 * the command runs, so that nothing it does as it is set up reaches anything. net_fd stays open.
 */
enum fault_code network_bring_up(const struct init_network *network, int net_fd,
				 struct fault *fault) __attribute__((warn_unused_result));

#endif
