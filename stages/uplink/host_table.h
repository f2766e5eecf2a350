/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UPLINK_HOST_TABLE_H
#define UPLINK_HOST_TABLE_H

#include "ipc/fault.h"
#include "stages/filter/nft.h"
#include "stages/filter/plan.h"
#include "stages/uplink/veth.h"

#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * The run's table in the host's network namespace, ip <interface's name>: masquerading for its one
 * address, and what keeps its packets from other runs and from the host itself. Connections are
 * tracked here, which the run's own table builds on (stages/filter/ruleset.h): answers alone come
 * back, TCP that begins no connection and is of none goes nowhere, and of connections there are
 * RULESET_CONNECTIONS at once at most; more are counted and refused.
 *
 * It has an owner (flags owner, Linux 5.12): it vanishes with this process, and nobody else can
 * change it. *made: the commands, the caller's, also after a fault.
 */
enum fault_code host_table_make(struct nft *nft, const struct veth *veth, const struct net4 *opened,
				size_t opened_count, struct json_object **made, struct fault *fault)
	__attribute__((warn_unused_result));

/* The kernel has what was made, and *objects is how much that is. */
enum fault_code host_table_check(struct nft *nft, const struct veth *veth, struct json_object *made,
				 size_t *objects, struct fault *fault)
	__attribute__((warn_unused_result));

/* Packets that would have begun one connection too many. */
enum fault_code host_table_crowd(struct nft *nft, const struct veth *veth, int64_t *packets,
				 struct fault *fault) __attribute__((warn_unused_result));

/*
 * Remove it and see that it is gone. That it vanishes with this process too is for the case of its
 * death: the kernel takes ten milliseconds and more to close an owner's socket.
 */
enum fault_code host_table_remove(struct nft *nft, const struct veth *veth, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
