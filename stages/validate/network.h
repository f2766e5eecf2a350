/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_NETWORK_H
#define VALIDATE_NETWORK_H

#include "stages/validate/schema.h"
#include "stages/validate/value.h"

#include <stddef.h>

/*
 * network: SR-POL-201. None of missing, null and [] opens anything: without egress rules there is
 * no network, and mode allowlist without rules is refused.
 */
#define NETWORK_EGRESS_MAX ((size_t)256)

enum network_mode { NETWORK_NONE, NETWORK_ALLOWLIST, NETWORK_MODE_COUNT };

enum network_protocol { NETWORK_TCP, NETWORK_UDP, NETWORK_PROTOCOL_COUNT };

/* What a host rule is held against: addresses alone, or what TLS and HTTP say too (sr-egress(1)). */
enum network_match { NETWORK_MATCH_ADDRESS, NETWORK_MATCH_NAME, NETWORK_MATCH_COUNT };

struct network_rule {
	unsigned protocol; /* enum network_protocol */
	struct value_limit port;
	unsigned match;	  /* enum network_match */
	const char *host; /* exactly one of the two; NULL when refused */
	const char *cidr;
};

struct network {
	unsigned mode;		    /* enum network_mode */
	struct schema_items egress; /* of struct network_rule */
};

extern const char *const network_mode_names[NETWORK_MODE_COUNT];
extern const char *const network_match_names[NETWORK_MATCH_COUNT];
extern const char *const network_protocol_names[NETWORK_PROTOCOL_COUNT];

/* Reads into struct network. */
extern const struct schema network_schema;

#endif
