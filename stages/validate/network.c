/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/network.h"

#include "stages/validate/address.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *const network_mode_names[NETWORK_MODE_COUNT] = {
	[NETWORK_NONE] = "none",
	[NETWORK_ALLOWLIST] = "allowlist",
};

const char *const network_protocol_names[NETWORK_PROTOCOL_COUNT] = {
	[NETWORK_TCP] = "tcp",
	[NETWORK_UDP] = "udp",
};

const char *const network_match_names[NETWORK_MATCH_COUNT] = {
	[NETWORK_MATCH_ADDRESS] = "address",
	[NETWORK_MATCH_NAME] = "name",
};

static void read_host(const struct site *site, const void *rule, void *value)
{
	const char *text = value_text(site);
	const char *why = text != NULL ? address_pattern_fault(text) : NULL;

	(void)rule;
	if (why != NULL)
		site_refuse(site, FAULT_NETWORK_RULE, "the host '" SITE_TEXT "' %s", text, why);
	*(const char **)value = why == NULL ? text : NULL;
}

static void read_cidr(const struct site *site, const void *rule, void *value)
{
	const char *text = value_text(site);
	const char *why = text != NULL ? address_cidr_fault(text) : NULL;

	(void)rule;
	if (why != NULL)
		site_refuse(site, FAULT_NETWORK_RULE, "the cidr '" SITE_TEXT "' %s", text, why);
	else if (text != NULL && strcmp(text, "0.0.0.0/0") == 0)
		site_warn(site, FAULT_NETWORK_RULE,
			  "0.0.0.0/0 is every address, the host's own networks and cloud metadata "
			  "included");
	*(const char **)value = why == NULL ? text : NULL;
}

/*
 * A name can be held against what is said on the wire in two protocols alone, at their own ports:
 * the ClientHello of TLS, the Host of HTTP.
 */
static void check_match(const struct site *site, const struct network_rule *rule)
{
	const struct node *match = node_member(site->node, "match");
	const struct node *host = node_member(site->node, "host");
	struct site member = site_member(site, "match", match != NULL ? match : site->node);
	struct site named = site_member(site, "host", host != NULL ? host : site->node);

	if (rule->match != NETWORK_MATCH_NAME) {
		if (rule->host != NULL && address_host_wild(rule->host))
			site_refuse(&named, FAULT_NETWORK_RULE,
				    "a wildcard has no addresses to open; write match: name "
				    "beside it, or list each name");
		return;
	}
	if (host == NULL)
		site_refuse(&member, FAULT_NETWORK_RULE,
			    "match: name is for a host; a cidr has no name");
	if (rule->protocol != NETWORK_TCP)
		site_refuse(&member, FAULT_NETWORK_RULE,
			    "match: name needs protocol tcp: TLS or HTTP say the name");
	if (rule->port.number != 0 && rule->port.number != 443 && rule->port.number != 80)
		site_refuse(&member, FAULT_NETWORK_RULE,
			    "match: name needs port 443 (TLS) or 80 (HTTP)");
}

static void check_destination(const struct site *site, void *base)
{
	const struct node *host = node_member(site->node, "host");
	const struct node *cidr = node_member(site->node, "cidr");
	struct site member = site_member(site, "host", host != NULL ? host : site->node);

	check_match(site, base);
	if (host != NULL && cidr != NULL)
		site_refuse(&member, FAULT_NETWORK_RULE,
			    "a rule has a host or a cidr, not both; make two rules of it");
	if (host == NULL && cidr == NULL)
		site_refuse(&member, FAULT_NETWORK_RULE,
			    "a rule says where to; write host: example.org or cidr: 192.0.2.0/24");
}

static bool same_text(const char *one, const char *other)
{
	return one == other || (one != NULL && other != NULL && strcmp(one, other) == 0);
}

static bool same_rule(const struct network_rule *one, const struct network_rule *other)
{
	return one->protocol == other->protocol && one->port.number == other->port.number &&
	       same_text(one->host, other->host) && same_text(one->cidr, other->cidr);
}

/* The second of two equal rules would never count a packet: its zero in the report would lie. */
static void check_duplicates(const struct site *site, void *items, size_t count)
{
	const struct network_rule *rules = items;
	const struct node *node = site->node->first;

	for (size_t i = 0; i < count; i++, node = node->next) {
		struct site item = site_item(site, i, node);

		if (rules[i].port.number == 0 || (rules[i].host == NULL && rules[i].cidr == NULL))
			continue;
		for (size_t j = 0; j < i; j++) {
			if (!same_rule(&rules[i], &rules[j]))
				continue;
			site_refuse(&item, FAULT_NETWORK_RULE,
				    "says the same as network.egress[%zu]; leave one out", j);
			break;
		}
	}
}

static void check_mode(const struct site *site, void *base)
{
	const struct network *network = base;
	const struct node *mode = node_member(site->node, "mode");
	const struct node *rules = node_member(site->node, "egress");
	struct site member = site_member(site, "egress", rules != NULL ? rules : site->node);
	const bool empty = rules == NULL || (rules->kind == NODE_LIST && rules->count == 0);

	/* A mode nobody could read says nothing about the rules. */
	if (mode != NULL && (mode->kind != NODE_SCALAR ||
			     strcmp(mode->text, network_mode_names[network->mode]) != 0))
		return;
	if (network->mode == NETWORK_ALLOWLIST && empty)
		site_refuse(&member, FAULT_NETWORK_RULE,
			    "mode allowlist without a rule opens nothing; list what is needed, or "
			    "write mode: none");
	if (network->mode == NETWORK_NONE && rules != NULL && rules->kind == NODE_LIST && !empty)
		site_refuse(
			&member, FAULT_NETWORK_RULE,
			"mode none has no egress rules; write mode: allowlist, or leave them out");
}

static const struct value_choice protocols = {network_protocol_names, NETWORK_PROTOCOL_COUNT};
static const struct value_choice matches = {network_match_names, NETWORK_MATCH_COUNT};
static const struct value_choice modes = {network_mode_names, NETWORK_MODE_COUNT};
static const struct value_range ports = {.min = 1, .max = 65535, .words = "ports are 1 to 65535"};

static const struct schema_field rule_fields[] = {
	{.name = "protocol",
	 .required = true,
	 .example = "protocol: tcp",
	 .offset = offsetof(struct network_rule, protocol),
	 .read = value_choice,
	 .rule = &protocols},
	{.name = "host",
	 .example = "host: example.org",
	 .offset = offsetof(struct network_rule, host),
	 .read = read_host},
	{.name = "cidr",
	 .example = "cidr: 192.0.2.0/24",
	 .offset = offsetof(struct network_rule, cidr),
	 .read = read_cidr},
	{.name = "match",
	 .example = "match: name",
	 .offset = offsetof(struct network_rule, match),
	 .read = value_choice,
	 .rule = &matches},
	{.name = "port",
	 .required = true,
	 .example = "port: 443",
	 .offset = offsetof(struct network_rule, port),
	 .read = value_number,
	 .rule = &ports},
};

static const struct schema rule_schema = {
	.fields = rule_fields,
	.count = COUNT(rule_fields),
	.code = FAULT_NETWORK_RULE,
	.finish = check_destination,
};

static const struct schema_list egress_list = {
	.element = &rule_schema,
	.element_size = sizeof(struct network_rule),
	.max_count = NETWORK_EGRESS_MAX,
	.finish = check_duplicates,
};

static const struct schema_field network_fields[] = {
	{.name = "mode",
	 .example = "mode: none",
	 .offset = offsetof(struct network, mode),
	 .read = value_choice,
	 .rule = &modes},
	{.name = "egress",
	 .example = "egress: []",
	 .offset = offsetof(struct network, egress),
	 .read = schema_items,
	 .rule = &egress_list},
};

const struct schema network_schema = {
	.fields = network_fields,
	.count = COUNT(network_fields),
	.code = FAULT_NETWORK_RULE,
	.finish = check_mode,
};
