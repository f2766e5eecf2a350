/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/filter/ruleset.h"

#include "ipc/object.h"
#include "stages/filter/expr.h"
#include "stages/filter/plan.h"
#include "stages/filter/refusal.h"
#include "stages/filter/ruleset_tap.h"

#include <json-c/json.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define COMMENT_SIZE sizeof(RULESET_COMMENT "9223372036854775807")
#define PRIO_DNAT    (-100)

static void add_objects(struct rule *rule, bool redirects, bool tap)
{
	expr_add(rule, "table", object_new());
	refusal_objects(rule);
	expr_chain(rule, "forward", NULL, NULL, 0, NULL);
	expr_chain(rule, "output", "filter", "output", 0, "drop");
	expr_chain(rule, "input", "filter", "input", 0, "drop");
	if (redirects)
		expr_chain(rule, "redirect", "nat", tap ? "prerouting" : "output", PRIO_DNAT,
			   "accept");
}

bool ruleset_tracks(const struct filter_plan *plan)
{
	bool plain = plan->tracked && plan->tap.name[0] == '\0';

	for (size_t i = 0; i < plan->rule_count; i++)
		plain = plain && plan->rules[i].tcp && plan->rules[i].redirect == 0;
	return !plain;
}

static void add_answers(struct rule *rule)
{
	static const char *const states[] = {"established", "related"};

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
		rule_begin(rule);
		expr_ct(rule, states[i]);
		expr_verdict(rule, "accept");
		rule_end(rule, "input", NULL);
	}
}

/* Nothing that begins a connection, by its flags; which of the rest are answers is known behind it. */
static void add_plain_answers(struct rule *rule)
{
	static const char *const flags[] = {"ack", "rst"};

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		rule_begin(rule);
		expr_flag(rule, flags[i]);
		expr_verdict(rule, "accept");
		rule_end(rule, "input", NULL);
	}
	rule_begin(rule);
	expr_icmp_error(rule);
	expr_verdict(rule, "accept");
	rule_end(rule, "input", NULL);
}

/*
 * What begins a connection meets the rules, and the kernel, which alone makes packets here, lets no
 * other follow unless that one passed.
 */
static void add_plain_output(struct rule *rule)
{
	rule_begin(rule);
	expr_no_flag(rule, "syn");
	expr_verdict(rule, "accept");
	rule_end(rule, "output", NULL);
}

/*
 * lo alone is not enough: with a default route through it a foreign address leads there too. By the
 * kind of interface, for a name is 16 characters to be copied and compared with each packet.
 */
static void add_hooks(struct rule *rule, const struct filter_plan *plan, bool redirects)
{
	/* Of what was just turned to lo the hook still has the interface it was on its way to. */
	if (redirects) {
		rule_begin(rule);
		expr_dnat(rule);
		expr_local(rule, "==");
		expr_verdict(rule, "accept");
		rule_end(rule, "output", NULL);
	}
	/* What goes by most often stands first; what is behind it accepts as well, or goes to forward. */
	if (!ruleset_tracks(plan)) {
		add_plain_output(rule);
		add_plain_answers(rule);
	}
	rule_begin(rule);
	expr_meta(rule, "oiftype", "loopback");
	expr_local(rule, "==");
	expr_verdict(rule, "accept");
	rule_end(rule, "output", NULL);
	rule_begin(rule);
	expr_go(rule, "jump", "forward");
	rule_end(rule, "output", NULL);
	rule_begin(rule);
	expr_meta(rule, "iiftype", "loopback");
	expr_verdict(rule, "accept");
	rule_end(rule, "input", NULL);
	if (ruleset_tracks(plan))
		add_answers(rule);
}

static void add_opening(struct rule *rule, const struct filter_rule *opening,
			const struct net4 *nets, size_t count)
{
	char comment[COMMENT_SIZE];

	(void)snprintf(comment, sizeof comment, RULESET_COMMENT "%lld", (long long)opening->index);
	rule_begin(rule);
	if (count > 0)
		expr_daddr(rule, nets, count);
	else
		expr_local(rule, "!=");
	expr_field(rule, opening->tcp ? "tcp" : "udp", "dport",
		   "==", json_object_new_int(opening->port));
	expr_counter(rule, NULL);
	if (opening->redirect != 0)
		expr_redirect(rule, opening->redirect);
	else
		expr_verdict(rule, "accept");
	rule_end(rule, opening->redirect != 0 ? "redirect" : "forward", comment);
}

static bool names_closed(const struct filter_plan *plan, struct net4 net)
{
	for (size_t i = 0; i < plan->closed_count; i++)
		if (net4_inside(net, plan->closed[i]))
			return true;
	return false;
}

static bool have(const struct net4 *nets, size_t count, struct net4 net)
{
	for (size_t i = 0; i < count; i++)
		if (net4_overlap(nets[i], net))
			return true;
	return false;
}

/* What the rule's networks open of what is closed otherwise, or of all the rest. */
static void add_part(struct rule *rule, const struct filter_plan *plan,
		     const struct filter_rule *opening, bool closed)
{
	struct net4 nets[FILTER_ADDRESS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < opening->address_count; i++)
		if (names_closed(plan, opening->addresses[i]) == closed &&
		    !have(nets, count, opening->addresses[i]))
			nets[count++] = opening->addresses[i];
	if (count > 0)
		add_opening(rule, opening, nets, count);
}

static void add_openings(struct rule *rule, const struct filter_plan *plan, size_t from, size_t to,
			 bool closed)
{
	for (size_t i = from; i < to; i++)
		if (plan->rules[i].redirect == 0)
			add_part(rule, plan, &plan->rules[i], closed);
}

/* What is closed takes nothing from these: they may stand before it. In their order, so a prefix. */
static size_t leading(const struct filter_plan *plan)
{
	for (size_t i = 0; i < plan->rule_count; i++)
		for (size_t k = 0; k < plan->rules[i].address_count; k++)
			if (have(plan->closed, plan->closed_count, plan->rules[i].addresses[k]) &&
			    !names_closed(plan, plan->rules[i].addresses[k]))
				return i;
	return plan->rule_count;
}

static bool is_redirected(const struct filter_plan *plan, uint16_t port)
{
	for (size_t i = 0; i < plan->rule_count; i++)
		if (plan->rules[i].redirect != 0 && plan->rules[i].port == port)
			return true;
	return false;
}

/* What another rule of the port opens whatever is said there stays open: forward decides. */
static void add_direct(struct rule *rule, const struct filter_plan *plan,
		       const struct filter_rule *direct)
{
	struct net4 nets[FILTER_ADDRESS_MAX];
	size_t count = 0;

	if (direct->redirect != 0 || !direct->tcp || !is_redirected(plan, direct->port))
		return;
	for (size_t i = 0; i < direct->address_count; i++)
		if (!have(nets, count, direct->addresses[i]))
			nets[count++] = direct->addresses[i];
	rule_begin(rule);
	expr_daddr(rule, nets, count);
	expr_field(rule, "tcp", "dport", "==", json_object_new_int(direct->port));
	expr_verdict(rule, "accept");
	rule_end(rule, "redirect", NULL);
}

/* Rules with addresses first: one without them takes what is left of its port. */
static void add_redirects(struct rule *rule, const struct filter_plan *plan)
{
	ruleset_tap_redirect(rule, plan);
	for (size_t i = 0; i < plan->rule_count; i++)
		add_direct(rule, plan, &plan->rules[i]);
	for (size_t i = 0; i < plan->rule_count; i++)
		if (plan->rules[i].redirect != 0 && plan->rules[i].address_count > 0)
			add_opening(rule, &plan->rules[i], plan->rules[i].addresses,
				    plan->rules[i].address_count);
	for (size_t i = 0; i < plan->rule_count; i++)
		if (plan->rules[i].redirect != 0 && plan->rules[i].address_count == 0)
			add_opening(rule, &plan->rules[i], NULL, 0);
}

/* Of a connection the first packet alone is looked at, and no more of them than there may be. */
static void add_tracked(struct rule *rule)
{
	rule_begin(rule);
	expr_ct(rule, "established");
	expr_verdict(rule, "accept");
	rule_end(rule, "forward", NULL);
	rule_begin(rule);
	expr_crowded(rule, RULESET_CONNECTIONS);
	expr_go(rule, "goto", "remember");
	rule_end(rule, "forward", NULL);
}

/* There is no IPv6 here, and no set that could say what was tried over it. */
static void add_family(struct rule *rule)
{
	rule_begin(rule);
	expr_meta(rule, "nfproto", "ipv6");
	expr_counter(rule, REFUSAL_OVERFLOW);
	expr_go(rule, "goto", "refuse");
	rule_end(rule, "forward", NULL);
}

static void add_forward(struct rule *rule, const struct filter_plan *plan)
{
	size_t first = leading(plan);

	if (ruleset_tracks(plan)) {
		add_family(rule);
		add_tracked(rule);
	}
	add_openings(rule, plan, 0, first, false);
	if (!ruleset_tracks(plan))
		add_family(rule);
	add_openings(rule, plan, 0, plan->rule_count, true);
	for (size_t i = 0; i < plan->closed_count; i++) {
		rule_begin(rule);
		expr_daddr(rule, &plan->closed[i], 1);
		expr_go(rule, "goto", "remember");
		rule_end(rule, "forward", NULL);
	}
	add_openings(rule, plan, first, plan->rule_count, false);
	rule_begin(rule);
	expr_go(rule, "goto", "remember");
	rule_end(rule, "forward", NULL);
}

struct json_object *ruleset_make(const struct filter_plan *plan)
{
	struct rule rule = {
		.family = RULESET_FAMILY, .table = RULESET_TABLE, .commands = array_new()};
	bool redirects = false;

	for (size_t i = 0; i < plan->rule_count; i++)
		redirects = redirects || plan->rules[i].redirect != 0;
	add_objects(&rule, redirects, plan->tap.name[0] != '\0');
	ruleset_tap_chains(&rule, plan);
	refusal_rules(&rule);
	add_forward(&rule, plan);
	if (redirects)
		add_redirects(&rule, plan);
	ruleset_tap_hooks(&rule, plan);
	add_hooks(&rule, plan, redirects);
	return rule.commands;
}
