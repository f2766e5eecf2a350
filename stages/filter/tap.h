/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_TAP_H
#define FILTER_TAP_H

#include "ipc/fault.h"
#include "stages/filter/interface_part.h"
#include "stages/filter/net4.h"
#include "stages/uplink/rtnetlink.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fields;
struct filter_plan;

/*
 * A machine's interface (Linux' tun.rst, TAP): its guest is at the other end, and what comes in here
 * is the guest's and is forwarded or refused. Both ends' addresses are ours to say, the same for
 * every machine, for each is alone in its network namespace: two of 192.0.0.0/29 (RFC 7335), which is
 * for just that, an interface's two ends on one host, and nobody's on any network.
 *
 * There is no ARP on it: both ends are told the other's hardware address.
 */
#define TAP_GUEST	"192.0.0.2"
#define TAP_GATEWAY	"192.0.0.1"
#define TAP_GUEST_MAC	"02:73:72:00:00:02" /* locally administered */
#define TAP_GATEWAY_MAC "02:73:72:00:00:01"
#define TAP_MTU		1500 /* or what the way out has, when that is less */

struct filter_tap {
	char name[IFNAMSIZ];	    /* "": this run is no machine */
	struct net4 guest, gateway; /* both /32 */
	bool resolver;		    /* somebody answers questions at the gateway */
	char guest_mac[INTERFACE_MAC_SIZE], gateway_mac[INTERFACE_MAC_SIZE];
};

/* {"gateway":{"address","mac"},"guest":{"address","mac"},"name","resolver"}, the plan's "tap". */
enum fault_code tap_read(struct fields *plan, struct filter_tap *tap, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Addresses, the guest's hardware address, up; packets pass between it and the way out (index 0:
 * there is none) and nothing else here forwards. *mtu: what it got. Read back.
 */
enum fault_code tap_arrange(struct rtnetlink *link, const struct filter_tap *tap, int uplink_index,
			    uint32_t uplink_mtu, uint32_t *mtu, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
