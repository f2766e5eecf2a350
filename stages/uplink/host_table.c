/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/uplink/host_table.h"

#include "ipc/object.h"
#include "stages/filter/expr.h"
#include "stages/filter/ruleset.h"

#include <json-c/json.h>
#include <stdbool.h>

#define CODE	  FAULT_RUN_RELEASE
#define PATH	  "nftables"
#define FAMILY	  "ip"
#define OTHERS	  "sr-*" /* every run's interface here */
#define PRIO_SNAT 100

/* From here to there (NULL: anywhere) and no further, said at once. */
static void add_reject(struct rule *rule, const char *chain, const char *from, const char *to)
{
	for (int i = 0; i < 2; i++) {
		rule_begin(rule);
		expr_meta(rule, "iifname", from);
		if (to != NULL)
			expr_meta(rule, "oifname", to);
		/*
		 * A socket that is still being connected takes a reset, and no ICMP (tcp_v4_err). That
		 * it is for TCP libnftables puts into the rule, and leaves out of its listing.
		 */
		expr_reject(rule, i == 0 ? "tcp reset" : "icmp",
			    i == 0 ? NULL : "admin-prohibited");
		rule_end(rule, chain, NULL);
	}
}

/* From the sandbox only with its own address, never to another run; to it only answers. */
static void add_forward(struct rule *rule, const struct veth *veth, const struct net4 *address)
{
	char text[NET4_TEXT_SIZE];

	net4_format(*address, true, text);
	add_reject(rule, "forward", veth->name, OTHERS);
	rule_begin(rule);
	expr_meta(rule, "iifname", veth->name);
	expr_field(rule, "ip", "saddr", "!=", json_object_new_string(text));
	expr_verdict(rule, "drop");
	rule_end(rule, "forward", NULL);
	for (int i = 0; i < 2; i++) {
		rule_begin(rule);
		expr_meta(rule, "oifname", veth->name);
		expr_ct(rule, i == 0 ? "established" : "related");
		expr_verdict(rule, "accept");
		rule_end(rule, "forward", NULL);
	}
	/* Another run is told at once, whichever of the two tables looks first. */
	add_reject(rule, "forward", OTHERS, veth->name);
	rule_begin(rule);
	expr_meta(rule, "oifname", veth->name);
	expr_verdict(rule, "drop");
	rule_end(rule, "forward", NULL);
}

/* What ends on this host: addresses a rule names one by one, and answers to nothing of ours. */
static void add_input(struct rule *rule, const struct veth *veth, const struct net4 *opened,
		      size_t count)
{
	for (size_t i = 0; i < count; i++) {
		rule_begin(rule);
		expr_meta(rule, "iifname", veth->name);
		expr_daddr(rule, &opened[i], 1);
		expr_verdict(rule, "accept");
		rule_end(rule, "input", NULL);
	}
	add_reject(rule, "input", veth->name, NULL);
}

static void add_masquerade(struct rule *rule, const struct net4 *address)
{
	char text[NET4_TEXT_SIZE];

	net4_format(*address, true, text);
	rule_begin(rule);
	expr_field(rule, "ip", "saddr", "==", json_object_new_string(text));
	expr_verdict(rule, "masquerade");
	rule_end(rule, "postrouting", NULL);
}

static struct json_object *make(const struct veth *veth, const struct net4 *opened, size_t count)
{
	const struct net4 address = {veth->sandbox, 32};
	struct rule rule = {.family = FAMILY, .table = veth->name, .commands = array_new()};

	expr_chain(&rule, "forward", "filter", "forward", 0, "accept");
	expr_chain(&rule, "input", "filter", "input", 0, "accept");
	expr_chain(&rule, "postrouting", "nat", "postrouting", PRIO_SNAT, "accept");
	add_forward(&rule, veth, &address);
	add_input(&rule, veth, opened, count);
	add_masquerade(&rule, &address);
	return rule.commands;
}

enum fault_code host_table_make(struct nft *nft, const struct veth *veth, const struct net4 *opened,
				size_t opened_count, struct fault *fault)
{
	struct json_object *commands OBJECT_CLEANUP = make(veth, opened, opened_count);
	struct json_object *listing OBJECT_CLEANUP = NULL;
	size_t objects = 0;
	enum fault_code code = nft_own(nft, FAMILY, veth->name, fault);

	if (code == FAULT_NONE)
		code = nft_apply(nft, commands, fault);
	if (code == FAULT_NONE)
		code = nft_list(nft, FAMILY, veth->name, &listing, fault);
	/* The table itself was made by nft_own. */
	return code == FAULT_NONE ? ruleset_compare(commands, listing, 1, &objects, fault) : code;
}

enum fault_code host_table_remove(struct nft *nft, const struct veth *veth, struct fault *fault)
{
	bool there = false;
	enum fault_code code = nft_delete(nft, FAMILY, veth->name, fault);

	if (code == FAULT_NONE)
		code = nft_has(nft, FAMILY, veth->name, &there, fault);
	if (code == FAULT_NONE && there)
		code = fault_set(fault, CODE, PATH, "%s %s is still there", FAMILY, veth->name);
	/* Whatever libnftables took it for: it is not released. */
	fault->code = code == FAULT_NONE ? FAULT_NONE : FAULT_RUN_RELEASE;
	return fault->code;
}
