/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UPLINK_HOST_TABLE_H
#define UPLINK_HOST_TABLE_H

#include "ipc/fault.h"
#include "stages/filter/nft.h"
#include "stages/filter/plan.h"
#include "stages/uplink/veth.h"

/*
 * The run's table in the host's network namespace, ip <interface's name>: masquerading for its one
 * address, and what keeps its packets from other runs and from the host itself. It has an owner
 * (flags owner, Linux 5.12): it vanishes with this process, and nobody else can change it.
 */
enum fault_code host_table_make(struct nft *nft, const struct veth *veth, const struct net4 *opened,
				size_t opened_count, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Remove it and see that it is gone. That it vanishes with this process too is for the case of its
 * death: the kernel takes ten milliseconds and more to close an owner's socket.
 */
enum fault_code host_table_remove(struct nft *nft, const struct veth *veth, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
