/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UPLINK_DROPS_H
#define UPLINK_DROPS_H

#include "stages/filter/nft.h"

struct json_object;

/*
 * Chains of the host's own that drop what is forwarded unless a rule of theirs lets it through, as
 * "family table chain": a new array, the caller's, at most DROPS_MAX. No table can overrule another's
 * drop, so it is told and not mended (sr-uplink(1)). What iptables-legacy has set is not among them.
 * NULL: the host's chains cannot be read, which is told too.
 */
#define DROPS_MAX 8

struct json_object *drops_find(struct nft *nft) __attribute__((warn_unused_result));

#endif
