/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RESOLVE_REACH_H
#define RESOLVE_REACH_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fields;

/*
 * Which addresses a name may lead to. Whoever owns a name decides what it answers: one that
 * answers with this host's loopback, a link-local or metadata address would open what its rule
 * never meant (rebinding). Such an address is taken only if the policy lists it by a CIDR that lies
 * in what is closed: 0.0.0.0/0 does not mean a cloud's metadata, 169.254.169.254/32 does.
 */
#define REACH_CIDR_MAX	1024
#define REACH_TEXT_SIZE 16 /* a.b.c.d */

struct reach_cidr {
	uint32_t address, mask;
};

struct reach {
	struct reach_cidr cidrs[REACH_CIDR_MAX];
	size_t cidr_count;
};

/* a.b.c.d, a.b.c.d/n: decimal, no leading zeros, no bit behind the length. Host byte order. */
bool reach_address_parse(const char *text, uint32_t *address) __attribute__((warn_unused_result));
bool reach_cidr_parse(const char *text, struct reach_cidr *cidr)
	__attribute__((warn_unused_result));
void reach_address_text(uint32_t address, char out[REACH_TEXT_SIZE]);

/* The member "cidrs" of a record: a list of networks, the policy's own. */
enum fault_code reach_read(struct fields *fields, struct reach *reach, struct fault *fault)
	__attribute__((warn_unused_result));

/* Whether the policy lists this very address, by a CIDR of /32: what a wide one opens is not the
 * host itself. */
bool reach_names(const struct reach *reach, uint32_t address);

/* NULL when a name may lead to address; else what the address is. */
const char *reach_refusal(const struct reach *reach, uint32_t address);

#endif
