/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EGRESS_BOOK_H
#define EGRESS_BOOK_H

#include "ipc/fault.h"
#include "stages/egress/reason.h"
#include "stages/resolve/dns_message.h"
#include "stages/resolve/reach.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * What the run may reach by name, and what it has resolved so far. The plan, one record:
 *
 *   {"cidrs":["10.0.0.0/8"],"rules":[{"addresses":["192.0.2.1"],"host":"a.example","index":0,
 *    "port":443}],"schemaVersion":"safe-run.egress/v1"}
 *
 * index is the rule's in the policy, ascending. A host *.example.org has no addresses: its names are
 * learned as the run asks for them.
 */
#define BOOK_RULE_MAX  1024
#define BOOK_NAME_MAX  4096 /* learned below wildcards; no more are answered */
#define BOOK_INDEX_MAX 65535

struct book_count {
	uint64_t connections, bytes_in, bytes_out;
};

struct book_rule {
	int64_t index;
	unsigned port;
	bool wild;
	const char *host; /* of a wildcard what stands behind "*." */
	struct dns_addresses addresses;
	uint64_t blocked;
	struct book_count rest; /* let through, and no room in flows (flow.h) */
};

struct book_name {
	char name[DNS_NAME_SIZE];
	struct dns_addresses addresses; /* all there ever were in this run, as many as fit */
	struct dns_addresses latest;
	uint64_t until_ms;
};

struct book {
	struct json_object *record;
	struct reach reach;
	struct book_rule *rules;
	size_t rule_count;
	struct book_name *names; /* grows to BOOK_NAME_MAX */
	size_t name_count, name_room;
};

/* From the line of the plan. *book is valid in every case and belongs to book_release. */
enum fault_code book_read(const char *line, size_t len, struct book *book, struct fault *fault)
	__attribute__((warn_unused_result));
void book_release(struct book *book);

/* Whether some rule has this port. */
bool book_has_port(const struct book *book, unsigned port);

/* The rule that lets name be reached at this address and port, or NULL and why there is none. */
struct book_rule *book_permit(struct book *book, const char *name, uint32_t address, unsigned port,
			      enum reason *reason);

/* The first rule of this port that has the address: whom a refusal is counted for. NULL: none. */
struct book_rule *book_owner(struct book *book, uint32_t address, unsigned port);

/* The addresses pinned for name by a rule without a wildcard; NULL. */
const struct dns_addresses *book_pinned(const struct book *book, const char *name);
bool book_is_below_wildcard(const struct book *book, const char *name);

/* What was learned of name and is not stale at now_ms (UINT64_MAX: however old); NULL. */
const struct book_name *book_learned(const struct book *book, const char *name, uint64_t now_ms);
/* false: there is no more room for another name. */
bool book_learn(struct book *book, const char *name, const struct dns_addresses *addresses,
		uint64_t now_ms) __attribute__((warn_unused_result));

#endif
