/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_PLAN_H
#define FILTER_PLAN_H

#include "ipc/fault.h"
#include "stages/filter/net4.h"
#include "stages/filter/tap.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * The plan record (safe-run-ipc(7)), as sr-launch writes it:
 *
 *   {"address","closed":["cidr"],"gateway","interface","rules":[{"addresses":["cidr"],"index",
 *    "port","protocol","redirect"}],"schemaVersion":"safe-run.filter/v1","tap":{...}}, and maybe
 *    "awaits","bareResets","mtu","tracked"
 *
 * interface null: there is no way out, and only redirected rules lead anywhere. address and gateway
 * null: whoever made the interface gave it its addresses. redirect: a port of the run's own
 * loopback that takes the rule's connections, or null; without addresses it takes all to the port.
 * awaits: the interface is still to be made; {"type":"made"} follows on stdin once it is there.
 * tracked: who made the interface tracks connections behind it, lets answers alone back and no TCP
 * packet out that neither begins a connection nor is of one, and bounds them (ruleset.h); and its end
 * has the hardware address interface_mac_of makes of the gateway's.
 * tap, for a machine alone: whose packets the rules are for (tap.h).
 */
#define FILTER_PLAN_SCHEMA "safe-run.filter/v1"
#define FILTER_RULE_MAX	   1024
#define FILTER_ADDRESS_MAX 64 /* of one rule */
#define FILTER_CLOSED_MAX  256
#define FILTER_PLAN_PATH   "filter.plan"

struct filter_rule {
	int64_t index; /* of the policy's egress */
	bool tcp;
	uint16_t port;
	uint16_t redirect; /* 0: none */
	struct net4 addresses[FILTER_ADDRESS_MAX];
	size_t address_count;
};

struct filter_plan {
	char interface[IFNAMSIZ];     /* "": none */
	struct net4 address, gateway; /* len 0: none */
	bool awaits;		      /* the interface, until "made" */
	bool bare_resets;	      /* answers.h */
	bool tracked;		      /* behind the interface */
	uint32_t mtu;		      /* of the interface; 0: as it is */
	struct filter_tap tap;
	struct net4 closed[FILTER_CLOSED_MAX];
	size_t closed_count;
	struct filter_rule rules[FILTER_RULE_MAX];
	size_t rule_count;
};

/* plan is zeroed by the caller. */
enum fault_code filter_plan_read(struct json_object *record, struct filter_plan *plan,
				 struct fault *fault) __attribute__((warn_unused_result));

#endif
