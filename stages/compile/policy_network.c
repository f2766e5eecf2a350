/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/field.h"
#include "stages/compile/policy.h"
#include "stages/compile/policy_part.h"

#include <json-c/json.h>
#include <string.h>

static enum fault_code read_target(struct fields *rule, struct fault *fault)
{
	bool has_host = fields_has(rule, "host"), has_cidr = fields_has(rule, "cidr");
	const char *text;
	enum fault_code code;

	if (has_host == has_cidr)
		return fault_set(fault, rule->code, rule->path,
				 "a rule names either a host or a cidr, exactly one of them");
	code = fields_string(rule, has_host ? "host" : "cidr", &text, fault);
	if (code == FAULT_NONE && text[0] == '\0')
		return fault_set(fault, rule->code, rule->path, "the rule's target is empty");
	return code;
}

/* A rule without the field is held against addresses; "name" is the one word it may have. */
static enum fault_code read_match(struct fields *rule, const char *protocol, int64_t port,
				  struct fault *fault)
{
	const char *host = "";
	enum fault_code code = FAULT_NONE;

	if (fields_has(rule, "host"))
		code = fields_string(rule, "host", &host, fault);
	if (code != FAULT_NONE)
		return code;
	if (!fields_has(rule, "match"))
		return host[0] == '*' ? fault_set(fault, rule->code, rule->path,
						  "a wildcard needs match \"name\"")
				      : FAULT_NONE;
	code = fields_literal(rule, "match", "name", fault);
	if (code == FAULT_NONE &&
	    (host[0] == '\0' || strcmp(protocol, "tcp") != 0 || (port != 443 && port != 80)))
		code = fault_set(fault, rule->code, rule->path,
				 "match \"name\" needs a host, protocol tcp and port 443 or 80");
	return code;
}

static enum fault_code read_rule(struct json_object *value, size_t index, struct fault *fault)
{
	char path[FAULT_PATH_SIZE];
	struct fields rule;
	const char *protocol = "";
	int64_t port = 0;
	enum fault_code code;

	field_path_index(path, sizeof(path), "network.egress", index);
	code = fields_open(&rule, value, path, FAULT_COMPILE_NETWORK, fault);
	if (code == FAULT_NONE)
		code = fields_string(&rule, "protocol", &protocol, fault);
	if (code == FAULT_NONE && strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0)
		return fault_set(fault, FAULT_COMPILE_NETWORK, path,
				 "the protocol must be tcp or udp, is \"%.16s\"", protocol);
	if (code == FAULT_NONE)
		code = fields_integer(&rule, "port", 1, 65535, &port, fault);
	if (code == FAULT_NONE)
		code = read_target(&rule, fault);
	if (code == FAULT_NONE)
		code = read_match(&rule, protocol, port, fault);
	return code != FAULT_NONE ? code : fields_close(&rule, fault);
}

static enum fault_code read_mode(struct fields *network, struct policy *policy, struct fault *fault)
{
	const char *mode;
	enum fault_code code = fields_string(network, "mode", &mode, fault);

	if (code != FAULT_NONE)
		return code;
	if (strcmp(mode, "allowlist") == 0)
		policy->network = POLICY_NETWORK_ALLOWLIST;
	else if (strcmp(mode, "none") == 0)
		policy->network = POLICY_NETWORK_NONE;
	else
		return fault_set(fault, FAULT_COMPILE_NETWORK, "network.mode",
				 "the mode must be none or allowlist, is \"%.32s\"", mode);
	return FAULT_NONE;
}

/* A list that opens nothing, or rules nobody would apply: either is somebody's mistake. */
static enum fault_code check_agreement(const struct policy *policy, size_t rule_count,
				       struct fault *fault)
{
	if (policy->network == POLICY_NETWORK_NONE && rule_count > 0)
		return fault_set(
			fault, FAULT_COMPILE_NETWORK, "network.egress",
			"mode none has no egress rules; use mode allowlist or remove them");
	if (policy->network == POLICY_NETWORK_ALLOWLIST && rule_count == 0)
		return fault_set(fault, FAULT_COMPILE_NETWORK, "network.egress",
				 "mode allowlist needs a rule; use mode none to allow nothing");
	return FAULT_NONE;
}

enum fault_code policy_read_network(struct fields *top, struct policy *policy, struct fault *fault)
{
	struct fields network;
	size_t count = 0;
	enum fault_code code = fields_enter(top, "network", &network, fault);

	network.code = FAULT_COMPILE_NETWORK;
	if (code == FAULT_NONE)
		code = read_mode(&network, policy, fault);
	if (code == FAULT_NONE)
		code = fields_array(&network, "egress", POLICY_EGRESS_MAX, &policy->egress, fault);
	if (code == FAULT_NONE)
		count = json_object_array_length(policy->egress);
	for (size_t i = 0; i < count && code == FAULT_NONE; i++)
		code = read_rule(json_object_array_get_idx(policy->egress, i), i, fault);
	if (code == FAULT_NONE)
		code = check_agreement(policy, count, fault);
	return code != FAULT_NONE ? code : fields_close(&network, fault);
}
