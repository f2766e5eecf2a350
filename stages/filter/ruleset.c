/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/filter/ruleset.h"

#include "ipc/object.h"
#include "stages/filter/expr.h"
#include "stages/filter/plan.h"
#include "stages/filter/ruleset_tap.h"

#include <json-c/json.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define COMMENT_SIZE sizeof(RULESET_COMMENT "9223372036854775807")
#define PRIO_DNAT    (-100)

static void add_set(struct rule *rule, const char *name, bool with_port)
{
	struct json_object *set = object_new(), *type = array_new();

	array_append_string(type, "ipv4_addr");
	array_append_string(type, "inet_proto");
	if (with_port)
		array_append_string(type, "inet_service");
	object_add_string(set, "name", name);
	object_add_integer(set, "size", RULESET_REFUSED_MAX);
	object_add(set, "type", type);
	expr_add(rule, "set", set);
}

static void add_objects(struct rule *rule, bool redirects, bool tap)
{
	struct json_object *counter = object_new();

	expr_add(rule, "table", object_new());
	object_add_string(counter, "name", RULESET_OVERFLOW);
	expr_add(rule, "counter", counter);
	add_set(rule, RULESET_REFUSED, true);
	add_set(rule, RULESET_REFUSED_MORE, false);
	expr_chain(rule, "refuse", NULL, NULL, 0, NULL);
	expr_chain(rule, "remember", NULL, NULL, 0, NULL);
	expr_chain(rule, "forward", NULL, NULL, 0, NULL);
	expr_chain(rule, "output", "filter", "output", 0, "drop");
	expr_chain(rule, "input", "filter", "input", 0, "drop");
	if (redirects)
		expr_chain(rule, "redirect", "nat", tap ? "prerouting" : "output", PRIO_DNAT,
			   "accept");
}

static void add_refuse(struct rule *rule)
{
	rule_begin(rule);
	expr_l4proto(rule, IPPROTO_TCP);
	expr_reject(rule, "tcp reset", NULL);
	rule_end(rule, "refuse", NULL);
	rule_begin(rule);
	expr_reject(rule, "icmpx", "admin-prohibited");
	rule_end(rule, "refuse", NULL);
}

/* lo alone is not enough: with a default route through it a foreign address leads there too. */
static void add_hooks(struct rule *rule, bool redirects)
{
	static const char *const states[] = {"established", "related"};

	/* Of what was just turned to lo the hook still has the interface it was on its way to. */
	if (redirects) {
		rule_begin(rule);
		expr_dnat(rule);
		expr_local(rule, "==");
		expr_verdict(rule, "accept");
		rule_end(rule, "output", NULL);
	}
	rule_begin(rule);
	expr_meta(rule, "oifname", "lo");
	expr_local(rule, "==");
	expr_verdict(rule, "accept");
	rule_end(rule, "output", NULL);
	rule_begin(rule);
	expr_go(rule, "jump", "forward");
	rule_end(rule, "output", NULL);
	rule_begin(rule);
	expr_meta(rule, "iifname", "lo");
	expr_verdict(rule, "accept");
	rule_end(rule, "input", NULL);
	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
		rule_begin(rule);
		expr_ct(rule, states[i]);
		expr_verdict(rule, "accept");
		rule_end(rule, "input", NULL);
	}
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

static void add_openings(struct rule *rule, const struct filter_plan *plan, bool closed)
{
	for (size_t i = 0; i < plan->rule_count; i++)
		if (plan->rules[i].redirect == 0)
			add_part(rule, plan, &plan->rules[i], closed);
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

/* Both sets are bounded: what does not fit into the first goes without its port, then uncounted. */
static void add_remember(struct rule *rule)
{
	static const char *const protocols[] = {"tcp", "udp"};

	for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
		rule_begin(rule);
		expr_remember(rule, "@" RULESET_REFUSED, protocols[i]);
		expr_go(rule, "goto", "refuse");
		rule_end(rule, "remember", NULL);
	}
	rule_begin(rule);
	expr_remember(rule, "@" RULESET_REFUSED_MORE, NULL);
	expr_go(rule, "goto", "refuse");
	rule_end(rule, "remember", NULL);
	rule_begin(rule);
	expr_counter(rule, RULESET_OVERFLOW);
	expr_go(rule, "goto", "refuse");
	rule_end(rule, "remember", NULL);
}

static void add_forward(struct rule *rule, const struct filter_plan *plan)
{
	rule_begin(rule);
	expr_meta(rule, "nfproto", "ipv6");
	expr_counter(rule, RULESET_OVERFLOW);
	expr_go(rule, "goto", "refuse");
	rule_end(rule, "forward", NULL);
	rule_begin(rule);
	expr_ct(rule, "established");
	expr_verdict(rule, "accept");
	rule_end(rule, "forward", NULL);
	rule_begin(rule);
	expr_crowded(rule, RULESET_CONNECTIONS);
	expr_go(rule, "goto", "remember");
	rule_end(rule, "forward", NULL);
	add_openings(rule, plan, true);
	for (size_t i = 0; i < plan->closed_count; i++) {
		rule_begin(rule);
		expr_daddr(rule, &plan->closed[i], 1);
		expr_go(rule, "goto", "remember");
		rule_end(rule, "forward", NULL);
	}
	add_openings(rule, plan, false);
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
	add_refuse(&rule);
	add_remember(&rule);
	add_forward(&rule, plan);
	if (redirects)
		add_redirects(&rule, plan);
	ruleset_tap_hooks(&rule, plan);
	add_hooks(&rule, redirects);
	return rule.commands;
}
