/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EGRESS_TALLY_H
#define EGRESS_TALLY_H

#include "stages/egress/reason.h"
#include "stages/resolve/dns_name.h"

#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * What was refused, each rule, destination, port, name and reason once with a count. Bounded: the run
 * decides what comes here. What has no room left is counted in overflow.
 */
#define TALLY_MAX     256
#define TALLY_NO_RULE (-1)

struct tally_entry {
	int64_t index; /* of the rule that has the destination; TALLY_NO_RULE */
	uint32_t address;
	unsigned port;
	enum reason reason;
	uint64_t count;
	char name[DNS_NAME_SIZE];
};

struct tally {
	struct tally_entry entries[TALLY_MAX];
	size_t count;
	uint64_t overflow;
};

/* name: a host name that was checked, or "" */
void tally_add(struct tally *tally, int64_t index, uint32_t address, unsigned port,
	       const char *name, enum reason reason);

/* A new array of {"count","destination","index","name","port","reason"}, in the order they first came. */
struct json_object *tally_to_json(const struct tally *tally);

#endif
