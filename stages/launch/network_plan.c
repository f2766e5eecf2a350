/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/filter/net4.h"
#include "stages/launch/bundle_plan.h"
#include "stages/launch/network.h"
#include "stages/launch/plan.h"

#include <json-c/json.h>
#include <string.h>

#define CODE FAULT_RUN_NETWORK
#define TAP  "sr-tap-<runId>"

/* What sr-egress can hold against a name, and nothing else. */
static enum fault_code check_name(struct plan *plan, struct plan_rule *rule, const char *path,
				  struct fault *fault)
{
	rule->wild = rule->host != NULL && rule->host[0] == '*';
	if (rule->by_name && (rule->host == NULL || !rule->tcp))
		return fault_set(fault, CODE, path, "match \"name\" needs a host and tcp");
	if (rule->by_name && rule->port != 443 && rule->port != 80)
		return fault_set(fault, CODE, path, "match \"name\" needs port 443 or 80");
	if (rule->wild && !rule->by_name)
		return fault_set(fault, CODE, path, "a wildcard needs match \"name\"");
	plan->network.direct = plan->network.direct || !rule->by_name;
	plan->network.named = plan->network.named || rule->by_name;
	plan->network.wild = plan->network.wild || rule->wild;
	return FAULT_NONE;
}

/* One rule of policy.network.egress. A name is data here: who resolves it checks it. */
static enum fault_code read_egress(struct json_object *value, size_t at, struct plan *plan,
				   struct fault *fault)
{
	struct plan_rule *rule = &plan->network.rules[at];
	char path[FAULT_PATH_SIZE];
	struct fields fields;
	struct net4 net;
	const char *protocol = "";
	int64_t port = 0;
	enum fault_code code;

	field_path_index(path, sizeof path, "policy.network.egress", at);
	code = fields_open(&fields, value, path, CODE, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "protocol", &protocol, fault);
	rule->tcp = strcmp(protocol, "tcp") == 0;
	if (code == FAULT_NONE && !rule->tcp && strcmp(protocol, "udp") != 0)
		code = fault_set(fault, CODE, path, "the protocol is tcp or udp");
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "port", 1, 65535, &port, fault);
	rule->port = (uint16_t)port;
	if (code == FAULT_NONE && fields_has(&fields, "host"))
		code = bundle_text(&fields, "host", PLAN_HOST_MAX, plan, &rule->host, fault);
	else if (code == FAULT_NONE)
		code = bundle_text(&fields, "cidr", NET4_TEXT_SIZE, plan, &rule->cidr, fault);
	if (code == FAULT_NONE && fields_has(&fields, "match")) {
		rule->by_name = true;
		code = fields_literal(&fields, "match", "name", fault);
	}
	if (code == FAULT_NONE && rule->cidr != NULL && !net4_parse(rule->cidr, false, &net))
		code = fault_set(fault, CODE, path, "the cidr must be a network a.b.c.d/n");
	if (code == FAULT_NONE)
		code = check_name(plan, rule, path, fault);
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}

/* The plan's rule says what the policy's says. */
static enum fault_code read_rule(struct json_object *value, size_t at, const struct plan *plan,
				 struct fault *fault)
{
	const struct plan_rule *rule = &plan->network.rules[at];
	char path[FAULT_PATH_SIZE];
	struct fields fields, target;
	int64_t port = 0;
	enum fault_code code;

	field_path_index(path, sizeof path, "networkPlan.nft.rules", at);
	code = fields_open(&fields, value, path, CODE, fault);
	if (code == FAULT_NONE)
		code = fields_literal(&fields, "chain", "forward", fault);
	if (code == FAULT_NONE)
		code = fields_literal(&fields, "verdict", "accept", fault);
	if (code == FAULT_NONE)
		code = fields_literal(&fields, "protocol", rule->tcp ? "tcp" : "udp", fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "port", rule->port, rule->port, &port, fault);
	if (code == FAULT_NONE && rule->by_name)
		code = fields_literal(&fields, "match", "name", fault);
	if (code == FAULT_NONE)
		code = fields_enter(&fields, "target", &target, fault);
	if (code == FAULT_NONE)
		code = rule->host != NULL ? fields_literal(&target, "host", rule->host, fault)
					  : fields_literal(&target, "cidr", rule->cidr, fault);
	if (code == FAULT_NONE)
		code = fields_close(&target, fault);
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}

static enum fault_code read_nft(struct fields *network, struct plan *plan, struct fault *fault)
{
	struct json_object *chains = NULL, *rules = NULL, *chain;
	struct fields nft;
	enum fault_code code = fields_enter(network, "nft", &nft, fault);

	if (code == FAULT_NONE)
		code = fields_literal(&nft, "table", "safe_run", fault);
	if (code == FAULT_NONE)
		code = fields_array(&nft, "chains", 1, &chains, fault);
	if (code == FAULT_NONE)
		code = fields_array(&nft, "rules", PLAN_RULE_MAX, &rules, fault);
	if (code != FAULT_NONE)
		return code;
	chain = json_object_array_get_idx(chains, 0);
	if (!json_object_is_type(chain, json_type_string) ||
	    strcmp(json_object_get_string(chain), "forward") != 0)
		return fault_set(fault, CODE, "networkPlan.nft.chains", "must be [\"forward\"]");
	if (json_object_array_length(rules) != plan->network.rule_count)
		return fault_set(fault, CODE, "networkPlan.nft.rules",
				 "is not what policy.network.egress says");
	for (size_t i = 0; code == FAULT_NONE && i < plan->network.rule_count; i++)
		code = read_rule(json_object_array_get_idx(rules, i), i, plan, fault);
	return code == FAULT_NONE ? fields_close(&nft, fault) : code;
}

static enum fault_code read_plan(struct fields *top, struct plan *plan, struct fault *fault)
{
	struct fields network, tap;
	enum fault_code code = fields_enter(top, "networkPlan", &network, fault);

	if (code == FAULT_NONE)
		code = read_nft(&network, plan, fault);
	if (code == FAULT_NONE)
		code = fields_enter(&network, "tap", &tap, fault);
	if (code == FAULT_NONE)
		code = fields_literal(&tap, "name", TAP, fault);
	if (code == FAULT_NONE)
		code = fields_close(&tap, fault);
	return code == FAULT_NONE ? fields_close(&network, fault) : code;
}

/* A port whose connections no rule lets out, for the probe. */
static uint16_t unlisted_port(const struct plan *plan)
{
	for (uint16_t port = 9;; port++) {
		bool listed = false;

		for (size_t i = 0; i < plan->network.rule_count; i++)
			listed = listed || plan->network.rules[i].port == port;
		if (!listed)
			return port;
	}
}

enum fault_code network_plan_read(struct fields *top, struct json_object *policy, struct plan *plan,
				  struct fault *fault)
{
	struct fields copy, network;
	struct json_object *egress = NULL;
	const char *mode = "";
	enum fault_code code = fields_open(&copy, policy, "policy", CODE, fault);

	if (code == FAULT_NONE)
		code = fields_enter(&copy, "network", &network, fault);
	if (code == FAULT_NONE)
		code = fields_string(&network, "mode", &mode, fault);
	if (code == FAULT_NONE)
		code = fields_array(&network, "egress", PLAN_RULE_MAX, &egress, fault);
	if (code != FAULT_NONE)
		return code;
	plan->network.rule_count = json_object_array_length(egress);
	plan->network.wanted = strcmp(mode, "allowlist") == 0;
	if (!plan->network.wanted && strcmp(mode, "none") != 0)
		return fault_set(fault, CODE, "policy.network.mode", "must be none or allowlist");
	if (plan->network.wanted != (plan->network.rule_count > 0))
		return fault_set(fault, CODE, "policy.network.egress",
				 "mode allowlist has rules, and mode none has none");
	for (size_t i = 0; code == FAULT_NONE && i < plan->network.rule_count; i++)
		code = read_egress(json_object_array_get_idx(egress, i), i, plan, fault);
	if (code != FAULT_NONE)
		return code;
	plan->network.probe_port = unlisted_port(plan);
	if (plan->network.wanted)
		return read_plan(top, plan, fault);
	return fields_null(top, "networkPlan")
		       ? FAULT_NONE
		       : fault_set(fault, CODE, "networkPlan", "must be null in mode none");
}
