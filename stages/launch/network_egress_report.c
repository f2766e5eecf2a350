/* SPDX-License-Identifier: Apache-2.0 */
/* sr-egress's final record as network.rule.hit, one for each name and address, and each refusal. */
#include "ipc/canon.h"
#include "ipc/event.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "stages/launch/launch.h"
#include "stages/launch/network_egress.h"
#include "stages/launch/network_report.h"
#include "stages/launch/plan.h"

#include <json-c/json.h>

#define CODE	   FAULT_RUN_NETWORK
#define PATH	   "launch.network.egress"
#define TALLY_MAX  1024
#define PORT_NAMES 53

/* What is counted once for an address, name and rule. */
struct flow {
	int64_t index; /* of the rule; -1: none has the destination */
	int64_t port, count, bytes_in, bytes_out;
	const char *name, *destination;
	const char *reason; /* NULL: it was let through */
};

static const char *target_of(const struct plan *plan, const struct flow *flow)
{
	return flow->index >= 0 ? plan->network.rules[flow->index].host : flow->destination;
}

static enum fault_code report_flow(struct launch *launch, const struct flow *flow,
				   struct fault *fault)
{
	struct json_object *payload = object_new();
	const bool allowed = flow->reason == NULL;

	object_add_integer(payload, "allowedHits", allowed ? flow->count : 0);
	object_add_integer(payload, "blockedHits", allowed ? 0 : flow->count);
	if (allowed) {
		object_add_integer(payload, "bytesIn", flow->bytes_in);
		object_add_integer(payload, "bytesOut", flow->bytes_out);
	} else {
		object_add_string(payload, "reason", flow->reason);
	}
	object_add_string(payload, "chain", NETWORK_EGRESS_REDIRECT);
	object_add_string(payload, "destination", flow->destination);
	if (flow->index >= 0)
		object_add_integer(payload, "index", flow->index);
	else
		object_add_null(payload, "index");
	object_add_string(payload, "name", flow->name);
	object_add_integer(payload, "port", flow->port);
	object_add_string(payload, "protocol", flow->port == PORT_NAMES ? "dns" : "tcp");
	object_add_string(payload, "table", NETWORK_REPORT_TABLE);
	object_add_string(payload, "tap", network_report_tap(launch));
	object_add_string(payload, "target", target_of(launch->plan, flow));
	return event_emit(&launch->events, EVENT_NETWORK_RULE_HIT, EVENT_BY_LAUNCHER, payload,
			  fault);
}

/* One of ours, or null: where that is let. */
static enum fault_code take_index(struct launch *launch, struct fields *fields, bool maybe,
				  int64_t *index, struct fault *fault)
{
	const struct plan_network *network = &launch->plan->network;
	enum fault_code code;

	*index = -1;
	if (maybe && fields_null(fields, "index"))
		return FAULT_NONE;
	code = fields_integer(fields, "index", 0, (int64_t)network->rule_count - 1, index, fault);
	if (code == FAULT_NONE && !network->rules[*index].by_name)
		code = fault_set(fault, CODE, PATH, "sr-egress tells of a rule it was not given");
	return code;
}

static enum fault_code take_flow(struct launch *launch, struct json_object *value, bool allowed,
				 struct fault *fault)
{
	struct flow flow = {.name = "", .destination = ""};
	struct fields fields;
	enum fault_code code = fields_open(&fields, value, PATH, CODE, fault);

	if (code == FAULT_NONE)
		code = take_index(launch, &fields, !allowed, &flow.index, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "destination", &flow.destination, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "name", &flow.name, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "port", 0, 65535, &flow.port, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "count", 1, CANON_INTEGER_MAX, &flow.count, fault);
	if (code == FAULT_NONE && !allowed)
		code = fields_string(&fields, "reason", &flow.reason, fault);
	if (code == FAULT_NONE && allowed)
		code = fields_integer(&fields, "bytesIn", 0, CANON_INTEGER_MAX, &flow.bytes_in,
				      fault);
	if (code == FAULT_NONE && allowed)
		code = fields_integer(&fields, "bytesOut", 0, CANON_INTEGER_MAX, &flow.bytes_out,
				      fault);
	if (code == FAULT_NONE)
		code = fields_close(&fields, fault);
	return code == FAULT_NONE ? report_flow(launch, &flow, fault) : code;
}

static enum fault_code take_flows(struct launch *launch, struct fields *final, const char *name,
				  struct fault *fault)
{
	struct json_object *list = NULL;
	enum fault_code code = fields_array(final, name, TALLY_MAX, &list, fault);
	const size_t count = code == FAULT_NONE ? json_object_array_length(list) : 0;
	const bool allowed = name[0] == 'a';

	for (size_t i = 0; i < count && code == FAULT_NONE; i++)
		code = take_flow(launch, json_object_array_get_idx(list, i), allowed, fault);
	return code;
}

/* What did not fit into either list goes without name and address. */
static enum fault_code take_rest(struct launch *launch, struct fields *final, const char *name,
				 struct fault *fault)
{
	const bool allowed = name[0] == 'a';
	struct flow flow = {.index = -1,
			    .name = "",
			    .destination = "other",
			    .reason = allowed ? NULL : "other"};
	enum fault_code code =
		fields_integer(final, name, 0, CANON_INTEGER_MAX, &flow.count, fault);

	return code == FAULT_NONE && flow.count > 0 ? report_flow(launch, &flow, fault) : code;
}

enum fault_code network_egress_report(struct launch *launch, struct json_object *final,
				      struct fault *fault)
{
	struct json_object *rules = NULL;
	struct fields fields;
	enum fault_code code = fields_open(&fields, final, "", CODE, fault);

	if (code == FAULT_NONE)
		code = fields_literal(&fields, "type", "final", fault);
	/* Sums of what the lists have one by one. */
	if (code == FAULT_NONE)
		code = fields_array(&fields, "rules", PLAN_RULE_MAX, &rules, fault);
	if (code == FAULT_NONE)
		code = take_flows(launch, &fields, "allowed", fault);
	if (code == FAULT_NONE)
		code = take_rest(launch, &fields, "allowedOverflow", fault);
	if (code == FAULT_NONE)
		code = take_flows(launch, &fields, "refused", fault);
	if (code == FAULT_NONE)
		code = take_rest(launch, &fields, "refusedOverflow", fault);
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}
