/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/filter/ruleset_tap.h"

#include "ipc/object.h"
#include "stages/filter/expr.h"
#include "stages/filter/plan.h"
#include "stages/filter/ruleset.h"

#include <json-c/json.h>
#include <stdbool.h>

#define PRIO_SNAT  100
#define PORT_NAMES 53
#define GUARD	   "guard"
#define NO_OPTIONS 5 /* words of four bytes: the header alone */

void ruleset_tap_chains(struct rule *rule, const struct filter_plan *plan)
{
	if (plan->tap.name[0] == '\0')
		return;
	expr_chain(rule, "through", "filter", "forward", 0, "drop");
	expr_chain(rule, "source", "nat", "postrouting", PRIO_SNAT, "accept");
}

/* The guest's packets that lead somewhere else than out are refused and counted as any other. */
static void add_through(struct rule *rule, const struct filter_plan *plan)
{
	static const char *const states[] = {"established", "related"};
	const char *tap = plan->tap.name, *out = plan->interface;

	if (out[0] != '\0') {
		rule_begin(rule);
		expr_meta(rule, "iifname", tap);
		expr_meta(rule, "oifname", out);
		expr_go(rule, "goto", "forward");
		rule_end(rule, "through", NULL);
	}
	rule_begin(rule);
	expr_meta(rule, "iifname", tap);
	expr_go(rule, "goto", "remember");
	rule_end(rule, "through", NULL);
	for (size_t i = 0; out[0] != '\0' && i < sizeof states / sizeof states[0]; i++) {
		rule_begin(rule);
		expr_meta(rule, "iifname", out);
		expr_meta(rule, "oifname", tap);
		expr_ct(rule, states[i]);
		expr_verdict(rule, "accept");
		rule_end(rule, "through", NULL);
	}
}

void ruleset_tap_redirect(struct rule *rule, const struct filter_plan *plan)
{
	if (plan->tap.name[0] == '\0')
		return;
	rule_begin(rule);
	expr_meta_not(rule, "iifname", plan->tap.name);
	expr_verdict(rule, "accept");
	rule_end(rule, "redirect", NULL);
}

/* What was turned there by a rule, each port once: who calls the listener by its own name is refused. */
static void add_listeners(struct rule *rule, const struct filter_plan *plan)
{
	for (size_t i = 0; i < plan->rule_count; i++) {
		bool seen = plan->rules[i].redirect == 0;

		for (size_t k = 0; k < i; k++)
			seen = seen || plan->rules[k].redirect == plan->rules[i].redirect;
		if (seen)
			continue;
		rule_begin(rule);
		expr_meta(rule, "iifname", plan->tap.name);
		expr_dnat(rule);
		expr_field(rule, "tcp", "dport",
			   "==", json_object_new_int(plan->rules[i].redirect));
		expr_verdict(rule, "accept");
		rule_end(rule, "input", NULL);
	}
}

/*
 * Connections to somebody here are entries of a table of the kernel's that no cgroup accounts for: not
 * more of them than may be forwarded.
 */
static void add_crowd(struct rule *rule, const struct filter_plan *plan)
{
	bool listens = plan->tap.resolver;

	for (size_t i = 0; i < plan->rule_count; i++)
		listens = listens || plan->rules[i].redirect != 0;
	if (!listens)
		return;
	rule_begin(rule);
	expr_meta(rule, "iifname", plan->tap.name);
	expr_ct(rule, "established");
	expr_verdict(rule, "accept");
	rule_end(rule, "input", NULL);
	rule_begin(rule);
	expr_meta(rule, "iifname", plan->tap.name);
	expr_crowded(rule, RULESET_CONNECTIONS);
	expr_go(rule, "goto", "remember");
	rule_end(rule, "input", NULL);
}

static void add_resolver(struct rule *rule, const struct filter_tap *tap)
{
	static const char *const protocols[] = {"tcp", "udp"};

	for (size_t i = 0; tap->resolver && i < sizeof protocols / sizeof protocols[0]; i++) {
		rule_begin(rule);
		expr_meta(rule, "iifname", tap->name);
		expr_daddr(rule, &tap->gateway, 1);
		expr_field(rule, protocols[i], "dport", "==", json_object_new_int(PORT_NAMES));
		expr_verdict(rule, "accept");
		rule_end(rule, "input", NULL);
	}
}

/* What this kernel says by itself, and who listens, is said to the guest. Nobody here has more to say. */
static void add_ends(struct rule *rule, const struct filter_plan *plan)
{
	add_crowd(rule, plan);
	add_listeners(rule, plan);
	add_resolver(rule, &plan->tap);
	rule_begin(rule);
	expr_meta(rule, "iifname", plan->tap.name);
	expr_go(rule, "goto", "remember");
	rule_end(rule, "input", NULL);
	rule_begin(rule);
	expr_meta(rule, "oifname", plan->tap.name);
	expr_daddr(rule, &plan->tap.guest, 1);
	expr_verdict(rule, "accept");
	rule_end(rule, "output", NULL);
	rule_begin(rule);
	expr_meta(rule, "oifname", plan->interface[0] != '\0' ? plan->interface : "lo");
	expr_verdict(rule, "drop");
	rule_end(rule, "output", NULL);
}

void ruleset_tap_hooks(struct rule *rule, const struct filter_plan *plan)
{
	if (plan->tap.name[0] == '\0')
		return;
	add_through(rule, plan);
	add_ends(rule, plan);
	if (plan->interface[0] == '\0')
		return;
	rule_begin(rule);
	expr_meta(rule, "oifname", plan->interface);
	expr_verdict(rule, "masquerade");
	rule_end(rule, "source", NULL);
}

static void add_guard_chain(struct rule *rule, const struct filter_plan *plan)
{
	struct json_object *chain = object_new();

	object_add_string(chain, "dev", plan->tap.name);
	object_add_string(chain, "hook", "ingress");
	object_add_string(chain, "name", GUARD);
	object_add_string(chain, "policy", "drop");
	object_add_integer(chain, "prio", 0);
	object_add_string(chain, "type", "filter");
	expr_add(rule, "chain", chain);
}

static void add_guard_rules(struct rule *rule, const struct filter_tap *tap)
{
	char guest[NET4_TEXT_SIZE];

	net4_format(tap->guest, true, guest);
	rule_begin(rule);
	expr_field(rule, "ether", "daddr", "==", json_object_new_string(tap->gateway_mac));
	expr_field(rule, "ether", "saddr", "==", json_object_new_string(tap->guest_mac));
	expr_field(rule, "ip", "hdrlength", "==", json_object_new_int(NO_OPTIONS));
	expr_field(rule, "ip", "saddr", "==", json_object_new_string(guest));
	expr_verdict(rule, "accept");
	rule_end(rule, GUARD, NULL);
	rule_begin(rule);
	expr_counter(rule, NULL);
	expr_verdict(rule, "drop");
	rule_end(rule, GUARD, RULESET_GUARD_OTHER);
}

struct json_object *ruleset_guard(const struct filter_plan *plan)
{
	struct rule rule = {
		.family = RULESET_GUARD_FAMILY, .table = RULESET_TABLE, .commands = array_new()};

	if (plan->tap.name[0] == '\0')
		return rule.commands;
	expr_add(&rule, "table", object_new());
	add_guard_chain(&rule, plan);
	add_guard_rules(&rule, &plan->tap);
	return rule.commands;
}
