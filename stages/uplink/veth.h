/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UPLINK_VETH_H
#define UPLINK_VETH_H

#include "ipc/fault.h"
#include "stages/filter/net4.h"
#include "stages/uplink/rtnetlink.h"

#include <net/if.h>
#include <stddef.h>

/*
 * One run's pair of interfaces (veth(4)): one end here, in the host's network namespace, the other
 * made in the run's. It ends with either. Nothing is asked on it (IFF_NOARP): each end's hardware
 * address follows from its address (interface_mac_of), and both know the other's as a permanent
 * neighbour. One learned from a question is stale until the kernel has asked in turn, five seconds
 * later (neighbour(7), delay_first_probe_time), and every packet to it takes the longer way.
 */
#define VETH_HOST_MAX 128 /* addresses of the host's own */

struct veth {
	char name[IFNAMSIZ];
	int index;
	uint32_t host, sandbox; /* host order */
	int lock_fd;		/* holds the pair of addresses; see veth_choose */
	struct net4 own[VETH_HOST_MAX];
	size_t own_count;
};

/* The number of the host's end's interface group, which its rules go by: nobody else's, as the address is. */
static inline uint32_t veth_group(const struct veth *veth)
{
	return veth->sandbox;
}

/* Two addresses of 100.64.0.0/10 (RFC 6598) that nothing here uses and no other run has. */
enum fault_code veth_choose(struct rtnetlink *link, struct veth *veth, struct fault *fault)
	__attribute__((warn_unused_result));

/* Make it, with its far end in the namespace behind netns_fd; address, forwarding, up; read back. */
enum fault_code veth_make(struct rtnetlink *link, struct veth *veth, int netns_fd,
			  struct fault *fault) __attribute__((warn_unused_result));
/* Whether packets to this network leave through an interface that forwards. */
enum fault_code veth_check_route(struct rtnetlink *link, struct net4 net, struct fault *fault)
	__attribute__((warn_unused_result));
/* Remove it and see that it is gone. */
enum fault_code veth_remove(struct rtnetlink *link, struct veth *veth, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
