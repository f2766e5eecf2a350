/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/filter/plan.h"

#include "ipc/field.h"
#include "stages/filter/interface_part.h"
#include "stages/filter/net4_list.h"

#include <json-c/json.h>
#include <string.h>

#define CODE	FAULT_RUN_NETWORK
#define MTU_MIN 576 /* RFC 791 */

static enum fault_code read_redirect(struct fields *fields, struct filter_rule *rule,
				     struct fault *fault)
{
	int64_t port = 0;
	enum fault_code code;

	if (fields_null(fields, "redirect"))
		return FAULT_NONE;
	code = fields_integer(fields, "redirect", 1, 65535, &port, fault);
	rule->redirect = (uint16_t)port;
	if (code == FAULT_NONE && !rule->tcp)
		code = fault_set(fault, CODE, fields->path, "only tcp is redirected");
	return code;
}

static enum fault_code read_rule(struct json_object *value, size_t at, struct filter_rule *rule,
				 struct fault *fault)
{
	char path[FAULT_PATH_SIZE];
	struct fields fields;
	const char *protocol = "";
	int64_t port = 0;
	enum fault_code code;

	field_path_index(path, sizeof path, "rules", at);
	code = fields_open(&fields, value, path, CODE, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "index", 0, FILTER_RULE_MAX - 1, &rule->index,
				      fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "protocol", &protocol, fault);
	rule->tcp = strcmp(protocol, "tcp") == 0;
	if (code == FAULT_NONE && !rule->tcp && strcmp(protocol, "udp") != 0)
		code = fault_set(fault, CODE, path, "the protocol is tcp or udp");
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "port", 1, 65535, &port, fault);
	rule->port = (uint16_t)port;
	if (code == FAULT_NONE)
		code = net4_list_read(&fields, "addresses", FILTER_ADDRESS_MAX, rule->addresses,
				      &rule->address_count, CODE, fault);
	if (code == FAULT_NONE)
		code = read_redirect(&fields, rule, fault);
	if (code == FAULT_NONE && rule->address_count == 0 && rule->redirect == 0)
		code = fault_set(fault, CODE, path, "opens a port to no address");
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}

static enum fault_code read_address(struct fields *fields, const char *name, struct net4 *out,
				    struct fault *fault)
{
	char path[FAULT_PATH_SIZE];
	const char *text = "";
	enum fault_code code;

	if (fields_null(fields, name))
		return FAULT_NONE;
	code = fields_string(fields, name, &text, fault);
	field_path_name(path, sizeof path, fields->path, name);
	if (code == FAULT_NONE && (strchr(text, '/') != NULL || !net4_parse(text, true, out)))
		code = fault_set(fault, CODE, path, "is no address a.b.c.d");
	return code;
}

static enum fault_code read_mtu(struct fields *fields, struct filter_plan *plan,
				struct fault *fault)
{
	int64_t mtu = 0;
	enum fault_code code = fields_integer(fields, "mtu", MTU_MIN, 65535, &mtu, fault);

	plan->mtu = (uint32_t)mtu;
	if (code == FAULT_NONE && plan->address.len == 0)
		code = fault_set(fault, CODE, "mtu", "comes with an address or not at all");
	return code;
}

static enum fault_code read_rules(struct fields *fields, struct filter_plan *plan,
				  struct fault *fault)
{
	struct json_object *list = NULL;
	enum fault_code code = fields_array(fields, "rules", FILTER_RULE_MAX, &list, fault);

	if (code == FAULT_NONE)
		plan->rule_count = json_object_array_length(list);
	for (size_t i = 0; code == FAULT_NONE && i < plan->rule_count; i++)
		code = read_rule(json_object_array_get_idx(list, i), i, &plan->rules[i], fault);
	return code;
}

enum fault_code filter_plan_read(struct json_object *record, struct filter_plan *plan,
				 struct fault *fault)
{
	struct fields fields;
	enum fault_code code = fields_open(&fields, record, "", CODE, fault);

	if (code == FAULT_NONE)
		code = fields_literal(&fields, "schemaVersion", FILTER_PLAN_SCHEMA, fault);
	if (code == FAULT_NONE && !fields_null(&fields, "interface"))
		code = interface_name_read(&fields, "interface", plan->interface, fault);
	if (code == FAULT_NONE)
		code = read_address(&fields, "address", &plan->address, fault);
	if (code == FAULT_NONE)
		code = read_address(&fields, "gateway", &plan->gateway, fault);
	if (code == FAULT_NONE && (plan->address.len == 0) != (plan->gateway.len == 0))
		code = fault_set(fault, CODE, "gateway", "comes with an address or not at all");
	if (code == FAULT_NONE && fields_has(&fields, "awaits"))
		code = fields_bool(&fields, "awaits", &plan->awaits, fault);
	if (code == FAULT_NONE && plan->awaits && plan->interface[0] == '\0')
		code = fault_set(fault, CODE, "awaits", "is for an interface");
	if (code == FAULT_NONE && fields_has(&fields, "bareResets"))
		code = fields_bool(&fields, "bareResets", &plan->bare_resets, fault);
	if (code == FAULT_NONE && plan->bare_resets && plan->interface[0] == '\0')
		code = fault_set(fault, CODE, "bareResets", "come from an interface");
	if (code == FAULT_NONE && fields_has(&fields, "tracked"))
		code = fields_bool(&fields, "tracked", &plan->tracked, fault);
	if (code == FAULT_NONE && plan->tracked && plan->interface[0] == '\0')
		code = fault_set(fault, CODE, "tracked", "is for an interface");
	if (code == FAULT_NONE && fields_has(&fields, "mtu"))
		code = read_mtu(&fields, plan, fault);
	if (code == FAULT_NONE)
		code = net4_list_read(&fields, "closed", FILTER_CLOSED_MAX, plan->closed,
				      &plan->closed_count, CODE, fault);
	if (code == FAULT_NONE)
		code = read_rules(&fields, plan, fault);
	if (code == FAULT_NONE && fields_has(&fields, "tap"))
		code = tap_read(&fields, &plan->tap, fault);
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}
