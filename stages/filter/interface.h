/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_INTERFACE_H
#define FILTER_INTERFACE_H

#include "ipc/fault.h"
#include "stages/uplink/rtnetlink.h"

struct filter_plan;

/*
 * The sandbox's side of its interfaces: loopback up, the uplink's address and the way out, and a
 * machine's (tap.h). IPv6 is off on every interface that is not loopback; its switches are files,
 * opened before confinement.
 */
#define INTERFACE_SWITCHES "/proc/sys/net"

/* IPv6 off for interfaces to come, and no limit on how often refusals are told. Before confinement. */
enum fault_code interface_prepare(struct fault *fault) __attribute__((warn_unused_result));

/* *tap_mtu is set for a machine alone. */
enum fault_code interface_arrange(struct rtnetlink *link, const struct filter_plan *plan,
				  uint32_t *tap_mtu, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Removes the interface that sr-uplink made, and with it the far end in the host's namespace. There
 * it is gone a millisecond later, and sr-uplink sees that it is; this call goes on for as long as the
 * kernel's grace periods take. An interface the plan gives no address is another's to remove.
 */
void interface_remove(struct rtnetlink *link, const struct filter_plan *plan);

#endif
