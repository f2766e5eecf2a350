/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_INTERFACE_PART_H
#define FILTER_INTERFACE_PART_H

#include "ipc/fault.h"
#include "stages/uplink/rtnetlink.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fields;

#define INTERFACE_LOOPBACK 1 /* of every network namespace (LOOPBACK_IFINDEX) */
#define INTERFACE_MAC_LEN  6
#define INTERFACE_MAC_SIZE sizeof("00:11:22:33:44:55")

/* Shared by interface.c, tap.c, sr-uplink (veth.c), and a machine's guest (stages/init/network.c). */

/* What the kernel tells of an interface. */
struct interface_seen {
	int index;
	unsigned flags; /* IFF_* */
	uint32_t mtu, forwarding;
	char name[IFNAMSIZ];
};

/* By name, or with NULL by index. 0, or -1 with errno (ENODEV). */
int interface_look(struct rtnetlink *link, const char *name, int index, struct interface_seen *seen)
	__attribute__((warn_unused_result));

/* Each 0, or -1 with errno. */
int interface_up(struct rtnetlink *link, int index) __attribute__((warn_unused_result));
int interface_set_mtu(struct rtnetlink *link, int index, uint32_t mtu)
	__attribute__((warn_unused_result));
int interface_forward(struct rtnetlink *link, int index) __attribute__((warn_unused_result));
/* No link-local address of IPv6 either, whatever the switches said when the interface came. */
int interface_no_address6(struct rtnetlink *link, int index) __attribute__((warn_unused_result));
/* No ARP on it (nothing is asked for, and no answer believed); mac NULL: it keeps its own. */
int interface_set_link(struct rtnetlink *link, int index, const uint8_t *mac, uint32_t mtu)
	__attribute__((warn_unused_result));
/* Whose hardware address this is, for ever. */
int interface_add_neighbour(struct rtnetlink *link, int index, uint32_t address,
			    const uint8_t mac[INTERFACE_MAC_LEN])
	__attribute__((warn_unused_result));
/* The hardware address of an end of ours, by its address: no maker's (IEEE 802's second bit). */
void interface_mac_of(uint32_t address, uint8_t out[INTERFACE_MAC_LEN]);
/* And one as a neighbour. */
int interface_know(struct rtnetlink *link, int index, uint32_t address)
	__attribute__((warn_unused_result));
/* Point to point: the address and its peer, nothing between them. Host order. */
int interface_add_address(struct rtnetlink *link, int index, uint32_t address, uint32_t peer)
	__attribute__((warn_unused_result));
/* To everywhere; gateway 0: what there is is at the other end. */
int interface_add_route(struct rtnetlink *link, int index, uint32_t gateway)
	__attribute__((warn_unused_result));

/* "00:11:22:33:44:55", in lower case, no group's; false for anything else. */
bool interface_mac_parse(const char *text, uint8_t out[INTERFACE_MAC_LEN])
	__attribute__((warn_unused_result));

/* A name as the kernel takes it, of letters that mean nothing to anybody, out of a record. */
enum fault_code interface_name_read(struct fields *fields, const char *field, char out[IFNAMSIZ],
				    struct fault *fault) __attribute__((warn_unused_result));

#endif
