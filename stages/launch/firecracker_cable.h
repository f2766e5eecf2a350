/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_FIRECRACKER_CABLE_H
#define LAUNCH_FIRECRACKER_CABLE_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * From Firecracker's interface to the run's network namespace, whose rules (stages/filter/ruleset_tap.h)
 * see real packets alone. Firecracker opens its TAP by name and with IFF_VNET_HDR, and what is in that
 * header is its guest's word: a checksum that is still to be computed (NEEDS_CSUM) is written by this
 * kernel, later, at an offset the guest names, so behind the rules it could change the port they had
 * looked at; and a packet may be many (GSO). QEMU's has no such header. So this one is in a network
 * namespace of the machine's own, where nothing has an address, and a bridge that learns nothing leads to
 * one end of a veth pair that can neither checksum nor segment: what is sent there is finished first
 * (validate_xmit_skb, net/core/dev.c), in software. The rules' interface is the other end, and what
 * comes out there is bytes and nothing else.
 *
 *   machine's namespace   tap0 -- cable (bridge) -- finish (veth, no features)
 *   run's namespace                                   |
 *                                                  sr-tap-<run> -- rules -- way out
 */
#define CABLE_TAP "tap0"

/*
 * In the machine's namespace, with CAP_NET_ADMIN: the TAP, persistent, for this user and group alone, and all
 * that leads to far, the interface that is made in the namespace behind far_ns_fd. Read back.
 */
enum fault_code cable_make(const char *far, int far_ns_fd, uid_t user, struct fault *fault)
	__attribute__((warn_unused_result));

/* Whether somebody has opened the TAP; by a socket of the machine's namespace. */
bool cable_plugged(int socket_fd) __attribute__((warn_unused_result));

#endif
