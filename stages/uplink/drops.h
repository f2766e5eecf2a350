/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UPLINK_DROPS_H
#define UPLINK_DROPS_H

#include "ipc/fault.h"
#include "stages/filter/nft.h"

struct json_object;

/*
 * Chains of the host's own that drop what is forwarded unless a rule of theirs lets it through, as
 * "family table chain": a new array, the caller's, at most DROPS_MAX. No table can overrule another's
 * drop, so it is told and not mended (sr-uplink(1)). What iptables-legacy has set is not among them.
 */
#define DROPS_MAX 8

enum fault_code drops_find(struct nft *nft, struct json_object **out, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
