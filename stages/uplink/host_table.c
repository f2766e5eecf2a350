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
#define BOUND	  "bound"
#define REFUSE	  "refuse"
#define FROM	  "from"
#define TO	  "to"
#define HERE	  "here"
#define CROWD	  "crowd" /* the comment of the rule that counts them */

/*
 * A socket that is still being connected takes a reset, and no ICMP (tcp_v4_err). That it is for TCP
 * libnftables puts into the rule, and leaves out of its listing.
 */
static void add_refuse(struct rule *rule)
{
	rule_begin(rule);
	expr_reject(rule, "tcp reset", NULL);
	rule_end(rule, REFUSE, NULL);
	rule_begin(rule);
	expr_reject(rule, "icmp", "admin-prohibited");
	rule_end(rule, REFUSE, NULL);
}

/*
 * Every other packet of the host's meets this rule of every run, and none behind it: by the interface's
 * group, a number, where its name is 16 characters to be copied and compared. See veth.h.
 */
static void add_way(struct rule *rule, const char *chain, const char *direction,
		    const struct veth *veth, const char *to)
{
	rule_begin(rule);
	expr_meta_number(rule, direction, veth_group(veth));
	expr_go(rule, "goto", to);
	rule_end(rule, chain, NULL);
}

/* Of a connection that is known: its first packet passed what follows. */
static void add_known(struct rule *rule, const char *chain, const char *state)
{
	rule_begin(rule);
	expr_ct(rule, state);
	expr_verdict(rule, "accept");
	rule_end(rule, chain, NULL);
}

/* Between two runs: said at once, whichever of their two tables looks first. */
static void add_apart(struct rule *rule, const char *chain, const char *direction)
{
	rule_begin(rule);
	expr_meta(rule, direction, OTHERS);
	expr_go(rule, "goto", REFUSE);
	rule_end(rule, chain, NULL);
}

/* The sandbox's own address: a known connection is one by its addresses. */
static void add_source(struct rule *rule, const char *chain, const struct net4 *address)
{
	char text[NET4_TEXT_SIZE];

	net4_format(*address, true, text);
	rule_begin(rule);
	expr_field(rule, "ip", "saddr", "!=", json_object_new_string(text));
	expr_verdict(rule, "drop");
	rule_end(rule, chain, NULL);
	add_known(rule, chain, "established");
}

static void add_bounded(struct rule *rule, const char *chain)
{
	rule_begin(rule);
	expr_go(rule, "jump", BOUND);
	rule_end(rule, chain, NULL);
}

/*
 * From the sandbox only with its own address, never to another run; to it only answers. What goes by
 * most often stands first.
 */
static void add_forward(struct rule *rule, const struct veth *veth, const struct net4 *address)
{
	add_way(rule, "forward", "iifgroup", veth, FROM);
	add_way(rule, "forward", "oifgroup", veth, TO);
	add_source(rule, FROM, address);
	add_apart(rule, FROM, "oifname");
	add_bounded(rule, FROM);
	add_known(rule, TO, "established");
	add_known(rule, TO, "related");
	add_apart(rule, TO, "iifname");
	rule_begin(rule);
	expr_verdict(rule, "drop");
	rule_end(rule, TO, NULL);
}

/* Nor does the host itself begin anything; what it says of the sandbox's packets passes. */
static void add_output(struct rule *rule, const struct veth *veth)
{
	rule_begin(rule);
	expr_meta_number(rule, "oifgroup", veth_group(veth));
	expr_ct(rule, "new");
	expr_verdict(rule, "drop");
	rule_end(rule, "output", NULL);
}

/*
 * Of what is no known connection: TCP begins one or is nothing (the kernel would take one up in its
 * middle, nf_conntrack_tcp_loose), and there are no more of them than may be.
 */
static void add_bound(struct rule *rule)
{
	rule_begin(rule);
	expr_no_flag(rule, "syn");
	expr_verdict(rule, "drop");
	rule_end(rule, BOUND, NULL);
	rule_begin(rule);
	expr_crowded(rule, RULESET_CONNECTIONS);
	expr_counter(rule, NULL);
	expr_go(rule, "goto", REFUSE);
	rule_end(rule, BOUND, CROWD);
}

/* What ends on this host: addresses a rule names one by one, and answers to nothing of ours. */
static void add_input(struct rule *rule, const struct veth *veth, const struct net4 *address,
		      const struct net4 *opened, size_t count)
{
	add_way(rule, "input", "iifgroup", veth, count > 0 ? HERE : REFUSE);
	if (count == 0)
		return;
	add_source(rule, HERE, address);
	add_bounded(rule, HERE);
	for (size_t i = 0; i < count; i++) {
		rule_begin(rule);
		expr_daddr(rule, &opened[i], 1);
		expr_verdict(rule, "accept");
		rule_end(rule, HERE, NULL);
	}
	rule_begin(rule);
	expr_go(rule, "goto", REFUSE);
	rule_end(rule, HERE, NULL);
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

	expr_chain(&rule, REFUSE, NULL, NULL, 0, NULL);
	expr_chain(&rule, BOUND, NULL, NULL, 0, NULL);
	expr_chain(&rule, FROM, NULL, NULL, 0, NULL);
	expr_chain(&rule, TO, NULL, NULL, 0, NULL);
	if (count > 0)
		expr_chain(&rule, HERE, NULL, NULL, 0, NULL);
	expr_chain(&rule, "forward", "filter", "forward", 0, "accept");
	expr_chain(&rule, "input", "filter", "input", 0, "accept");
	expr_chain(&rule, "output", "filter", "output", 0, "accept");
	expr_chain(&rule, "postrouting", "nat", "postrouting", PRIO_SNAT, "accept");
	add_refuse(&rule);
	add_bound(&rule);
	add_forward(&rule, veth, &address);
	add_input(&rule, veth, &address, opened, count);
	add_output(&rule, veth);
	add_masquerade(&rule, &address);
	return rule.commands;
}

enum fault_code host_table_make(struct nft *nft, const struct veth *veth, const struct net4 *opened,
				size_t opened_count, struct json_object **made, struct fault *fault)
{
	enum fault_code code = nft_own(nft, FAMILY, veth->name, fault);

	*made = make(veth, opened, opened_count);
	return code == FAULT_NONE ? nft_apply(nft, *made, fault) : code;
}

enum fault_code host_table_check(struct nft *nft, const struct veth *veth, struct json_object *made,
				 size_t *objects, struct fault *fault)
{
	struct json_object *listing OBJECT_CLEANUP = NULL;
	enum fault_code code = nft_list_made(nft, FAMILY, veth->name, made, &listing, fault);

	return code == FAULT_NONE ? ruleset_compare(made, listing, objects, fault) : code;
}

enum fault_code host_table_crowd(struct nft *nft, const struct veth *veth, int64_t *packets,
				 struct fault *fault)
{
	struct json_object *listing OBJECT_CLEANUP = NULL;
	enum fault_code code = nft_list_chain(nft, FAMILY, veth->name, BOUND, &listing, fault);

	*packets = code == FAULT_NONE ? ruleset_hits(listing, CROWD) : 0;
	return code;
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
