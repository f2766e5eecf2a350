/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_NET4_H
#define FILTER_NET4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* IPv4 networks in their one spelling, a.b.c.d/n without bits behind the length (RFC 4632). */
#define NET4_TEXT_SIZE sizeof("255.255.255.255/32")

struct net4 {
	uint32_t address; /* host order, masked */
	unsigned len;	  /* 0 to 32 */
};

/* "a.b.c.d/n", or with plain also "a.b.c.d" for a /32; false for anything else. */
bool net4_parse(const char *text, bool plain, struct net4 *out) __attribute__((warn_unused_result));
/* With the length always, or for a /32 the address alone. */
void net4_format(struct net4 net, bool plain, char out[NET4_TEXT_SIZE]);

/* Every address of inner is one of outer's. */
bool net4_inside(struct net4 inner, struct net4 outer);
bool net4_overlap(struct net4 one, struct net4 other);

/*
 * What no rule opens by being wide: this host (0/8, 127/8), link-local with the clouds' metadata
 * (RFC 3927), multicast and broadcast. A rule for one of these names it: its network lies inside.
 */
#define NET4_CLOSED_COUNT 4
extern const struct net4 net4_closed[NET4_CLOSED_COUNT];

#endif
