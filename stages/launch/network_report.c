/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/network_report.h"

#include "ipc/canon.h"
#include "ipc/event.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "stages/launch/launch.h"
#include "stages/launch/network_names.h"
#include "stages/launch/plan.h"
#include "stages/launch/probe.h"

#include <json-c/json.h>
#include <string.h>

#define CODE	    FAULT_RUN_NETWORK
#define PATH	    "launch.network"
#define TABLE	    NETWORK_REPORT_TABLE
#define CHAIN	    "forward"
#define CHAIN_CROWD "bound"
#define REFUSED_MAX 1024

const char *network_report_tap(const struct launch *launch)
{
	const char *tap = launch->plan->machine.tap;

	if (tap[0] != '\0')
		return tap;
	return launch->plan->network.direct ? launch->network.interface : "lo";
}

/* {"cidr"} or {"host"}, "match" where the policy has it. */
static void add_target(struct json_object *object, const struct plan_rule *rule)
{
	if (rule->host != NULL)
		object_add_string(object, "host", rule->host);
	else
		object_add_string(object, "cidr", rule->cidr);
	if (rule->by_name)
		object_add_string(object, "match", "name");
}

static struct json_object *make_rule(const struct plan_rule *rule, size_t index)
{
	struct json_object *object = object_new();

	add_target(object, rule);
	object_add_integer(object, "index", (int64_t)index);
	object_add_integer(object, "port", rule->port);
	object_add_string(object, "protocol", rule->tcp ? "tcp" : "udp");
	return object;
}

enum fault_code network_report_plan(struct launch *launch, struct fault *fault)
{
	const struct plan *plan = launch->plan;
	struct json_object *payload = object_new(), *rules = array_new();

	for (size_t i = 0; i < plan->network.rule_count; i++) {
		struct json_object *rule = make_rule(&plan->network.rules[i], i);
		struct json_object *addresses = array_new();

		network_names_add(plan, &plan->network.rules[i], addresses);
		object_add(rule, "addresses", addresses);
		array_append(rules, rule);
	}
	object_add_string(payload, "mode", "allowlist");
	object_add(payload, "rules", rules);
	object_add_integer(payload, "rulesTotal", (int64_t)plan->network.rule_count);
	object_add_string(payload, "table", TABLE);
	object_add_string(payload, "tap", network_report_tap(launch));
	return event_emit(&launch->events, EVENT_NETWORK_PLAN_GENERATED, EVENT_BY_LAUNCHER, payload,
			  fault);
}

static enum fault_code report_each(struct launch *launch, enum event_type type, struct fault *fault)
{
	const struct plan *plan = launch->plan;
	enum fault_code code = FAULT_NONE;

	for (size_t i = 0; code == FAULT_NONE && i < plan->network.rule_count; i++)
		code = event_emit(&launch->events, type, EVENT_BY_LAUNCHER,
				  make_rule(&plan->network.rules[i], i), fault);
	return code;
}

enum fault_code network_report_applied(struct launch *launch, struct fault *fault)
{
	return report_each(launch, EVENT_NETWORK_RULE_APPLIED, fault);
}

enum fault_code network_report_released(struct launch *launch, const struct fault *why,
					struct fault *fault)
{
	struct json_object *payload;

	if (why == NULL)
		return report_each(launch, EVENT_NETWORK_RULE_RELEASED, fault);
	payload = object_new();
	object_add_string(payload, "reason", why->message);
	return event_emit(&launch->events, EVENT_NETWORK_RULE_CLEANUP_FAILED, EVENT_BY_LAUNCHER,
			  payload, fault);
}

struct hit {
	const char *target, *protocol;
	bool crowd;    /* one too many, of what the rules open */
	int64_t index; /* -1: no rule's */
	int64_t port, allowed, blocked;
};

static enum fault_code report_hit(struct launch *launch, const struct hit *hit, struct fault *fault)
{
	struct json_object *payload = object_new();

	object_add_integer(payload, "allowedHits", hit->allowed);
	object_add_integer(payload, "blockedHits", hit->blocked);
	object_add_string(payload, "chain", hit->crowd ? CHAIN_CROWD : CHAIN);
	if (hit->index >= 0)
		object_add_integer(payload, "index", hit->index);
	else
		object_add_null(payload, "index");
	object_add_integer(payload, "port", hit->port);
	object_add_string(payload, "protocol", hit->protocol);
	if (hit->crowd)
		object_add_string(payload, "reason", "too-many");
	object_add_string(payload, "table", hit->crowd ? launch->network.interface : TABLE);
	object_add_string(payload, "tap", network_report_tap(launch));
	object_add_string(payload, "target", hit->target);
	return event_emit(&launch->events, EVENT_NETWORK_RULE_HIT, EVENT_BY_KERNEL, payload, fault);
}

static enum fault_code take_rule(struct launch *launch, struct json_object *value, size_t at,
				 struct fault *fault)
{
	const struct plan_rule *rule = &launch->plan->network.rules[at];
	struct hit hit = {.port = rule->port,
			  .protocol = rule->tcp ? "tcp" : "udp",
			  .target = rule->host != NULL ? rule->host : rule->cidr};
	struct fields fields;
	enum fault_code code = fields_open(&fields, value, PATH, CODE, fault);

	if (code == FAULT_NONE)
		code = fields_integer(&fields, "index", (int64_t)at, (int64_t)at, &hit.index,
				      fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "allowedHits", 0, CANON_INTEGER_MAX, &hit.allowed,
				      fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "blockedHits", 0, CANON_INTEGER_MAX, &hit.blocked,
				      fault);
	if (code == FAULT_NONE)
		code = fields_close(&fields, fault);
	/* Of connections turned to sr-egress that one tells, by name. */
	if (code != FAULT_NONE || rule->by_name || (hit.allowed == 0 && hit.blocked == 0))
		return code;
	return report_hit(launch, &hit, fault);
}

/*
 * The launcher's own attempt, before the command ran (probe.h), is not the command's. A VMM has no
 * socket to try it with.
 */
static bool is_probe(const struct launch *launch, const struct hit *hit)
{
	return launch->machine == NULL && hit->port == launch->plan->network.probe_port &&
	       strcmp(hit->protocol, "tcp") == 0 && strcmp(hit->target, PROBE_HOST) == 0;
}

static enum fault_code take_refused(struct launch *launch, struct json_object *value,
				    struct fault *fault)
{
	struct hit hit = {.index = -1, .protocol = "", .target = ""};
	struct fields fields;
	enum fault_code code = fields_open(&fields, value, PATH, CODE, fault);

	if (code == FAULT_NONE)
		code = fields_string(&fields, "destination", &hit.target, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "protocol", &hit.protocol, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "port", 0, 65535, &hit.port, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "count", 0, CANON_INTEGER_MAX, &hit.blocked, fault);
	if (code == FAULT_NONE)
		code = fields_close(&fields, fault);
	if (code != FAULT_NONE)
		return code;
	if (is_probe(launch, &hit) && hit.blocked > 0)
		hit.blocked--;
	return hit.blocked > 0 ? report_hit(launch, &hit, fault) : FAULT_NONE;
}

enum fault_code network_report_hits(struct launch *launch, struct json_object *final,
				    struct fault *fault)
{
	struct hit rest = {.index = -1, .protocol = "any", .target = "other"};
	struct hit forged = {.index = -1, .protocol = "frame", .target = "other"};
	struct json_object *rules = NULL, *refused = NULL;
	struct fields fields;
	enum fault_code code = fields_open(&fields, final, "", CODE, fault);

	if (code == FAULT_NONE)
		code = fields_literal(&fields, "type", "final", fault);
	if (code == FAULT_NONE)
		code = fields_array(&fields, "rules", PLAN_RULE_MAX, &rules, fault);
	if (code == FAULT_NONE)
		code = fields_array(&fields, "refused", REFUSED_MAX, &refused, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "refusedOverflow", 0, CANON_INTEGER_MAX,
				      &rest.blocked, fault);
	if (code == FAULT_NONE && launch->machine != NULL)
		code = fields_integer(&fields, "notGuests", 0, CANON_INTEGER_MAX, &forged.blocked,
				      fault);
	if (code == FAULT_NONE)
		code = fields_close(&fields, fault);
	if (code == FAULT_NONE &&
	    json_object_array_length(rules) != launch->plan->network.rule_count)
		code = fault_set(fault, CODE, PATH,
				 "sr-filter told of other rules than it was given");
	for (size_t i = 0; code == FAULT_NONE && i < launch->plan->network.rule_count; i++)
		code = take_rule(launch, json_object_array_get_idx(rules, i), i, fault);
	for (size_t i = 0; code == FAULT_NONE && i < json_object_array_length(refused); i++)
		code = take_refused(launch, json_object_array_get_idx(refused, i), fault);
	if (code == FAULT_NONE && rest.blocked > 0)
		code = report_hit(launch, &rest, fault);
	return code == FAULT_NONE && forged.blocked > 0 ? report_hit(launch, &forged, fault) : code;
}

enum fault_code network_report_crowd(struct launch *launch, struct json_object *final,
				     struct fault *fault)
{
	struct hit crowd = {.index = -1, .protocol = "any", .target = "other", .crowd = true};
	struct fields fields;
	enum fault_code code = fields_open(&fields, final, "", CODE, fault);

	if (code == FAULT_NONE)
		code = fields_literal(&fields, "type", "final", fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "crowd", 0, CANON_INTEGER_MAX, &crowd.blocked,
				      fault);
	if (code == FAULT_NONE)
		code = fields_close(&fields, fault);
	return code == FAULT_NONE && crowd.blocked > 0 ? report_hit(launch, &crowd, fault) : code;
}
