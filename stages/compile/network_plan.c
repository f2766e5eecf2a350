/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/compile/network_plan.h"

#include "ipc/object.h"
#include "stages/compile/policy.h"

#include <json-c/json.h>

#define TABLE "safe_run"
#define CHAIN "forward"

static struct json_object *make_target(struct json_object *egress)
{
	struct json_object *target = object_new();
	struct json_object *value;
	const char *kind = json_object_object_get_ex(egress, "host", &value) ? "host" : "cidr";

	object_add_shared(target, kind, json_object_object_get(egress, kind));
	return target;
}

static struct json_object *make_rule(struct json_object *egress)
{
	struct json_object *rule = object_new();
	struct json_object *match;

	object_add_string(rule, "chain", CHAIN);
	if (json_object_object_get_ex(egress, "match", &match))
		object_add_shared(rule, "match", match);
	object_add_shared(rule, "port", json_object_object_get(egress, "port"));
	object_add_shared(rule, "protocol", json_object_object_get(egress, "protocol"));
	object_add(rule, "target", make_target(egress));
	object_add_string(rule, "verdict", "accept");
	return rule;
}

static struct json_object *make_nft(const struct policy *policy)
{
	struct json_object *nft = object_new();
	struct json_object *chains = array_new();
	struct json_object *rules = array_new();
	size_t count = json_object_array_length(policy->egress);

	array_append_string(chains, CHAIN);
	for (size_t i = 0; i < count; i++)
		array_append(rules, make_rule(json_object_array_get_idx(policy->egress, i)));
	object_add(nft, "chains", chains);
	object_add(nft, "rules", rules);
	object_add_string(nft, "table", TABLE);
	return nft;
}

struct json_object *network_plan_make(const struct policy *policy)
{
	struct json_object *plan;
	struct json_object *tap;

	if (policy->network == POLICY_NETWORK_NONE)
		return NULL;
	plan = object_new();
	tap = object_new();
	object_add_string(tap, "name", NETWORK_PLAN_TAP);
	object_add(plan, "nft", make_nft(policy));
	object_add(plan, "tap", tap);
	return plan;
}
