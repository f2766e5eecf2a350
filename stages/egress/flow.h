/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EGRESS_FLOW_H
#define EGRESS_FLOW_H

#include "stages/egress/book.h"

#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * What was let through: for each rule, address and name the connections and their bytes. Bounded, as
 * the tally of what was refused is: the run decides which names below a wildcard it uses.
 */
#define FLOW_MAX 256

struct flow {
	const struct book_rule *rule;
	uint32_t address;
	char name[DNS_NAME_SIZE];
	struct book_count count;
};

struct flows {
	struct flow entries[FLOW_MAX]; /* never move */
	size_t count;
};

/* Where this is counted; the rule's own rest when there is no room. Borrowed for good. */
struct book_count *flow_find(struct flows *flows, struct book_rule *rule, uint32_t address,
			     const char *name);

/* A new array of {"bytesIn","bytesOut","count","destination","index","name","port"}. */
struct json_object *flow_to_json(const struct flows *flows);
/* All of a rule's, its rest with it. */
struct book_count flow_sum(const struct flows *flows, const struct book_rule *rule);

#endif
