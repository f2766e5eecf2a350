/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/egress/plan.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "stages/egress/book.h"
#include "stages/egress/host_text.h"

#include <json-c/json.h>
#include <string.h>

#define CODE FAULT_RUN_NETWORK

/* One spelling: what is held against it later is lower case too. */
static bool is_pattern(const char *text)
{
	char lower[DNS_NAME_SIZE];
	const char *name = strncmp(text, "*.", 2) == 0 ? text + 2 : text;

	return host_text_take(name, strlen(name), lower) && strcmp(name, lower) == 0;
}

static enum fault_code read_addresses(struct fields *fields, struct book_rule *rule,
				      struct fault *fault)
{
	struct json_object *list = NULL;
	uint32_t address;
	enum fault_code code = fields_array(fields, "addresses", DNS_ADDRESS_MAX, &list, fault);

	if (code != FAULT_NONE)
		return code;
	rule->addresses.ttl = DNS_TTL_MAX;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		if (!json_object_is_type(item, json_type_string) ||
		    !reach_address_parse(json_object_get_string(item), &address))
			return fault_set(fault, CODE, fields->path,
					 "address %zu is not an IPv4 address", i);
		dns_addresses_add(&rule->addresses, address);
	}
	if ((rule->addresses.count == 0) != rule->wild)
		return fault_set(fault, CODE, fields->path,
				 "a name has addresses, a wildcard has none");
	return FAULT_NONE;
}

static enum fault_code read_rule(struct json_object *value, size_t position, struct book_rule *rule,
				 struct fault *fault)
{
	char path[FAULT_PATH_SIZE];
	struct fields fields;
	int64_t port = 0;
	enum fault_code code;

	field_path_index(path, sizeof path, "rules", position);
	code = fields_open(&fields, value, path, CODE, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "index", 0, BOOK_INDEX_MAX, &rule->index, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "host", &rule->host, fault);
	if (code == FAULT_NONE && !is_pattern(rule->host))
		code = fault_set(fault, CODE, path, "the host is not a name in lower case");
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "port", 80, 443, &port, fault);
	if (code == FAULT_NONE && port != 80 && port != 443)
		code = fault_set(fault, CODE, path, "the port must be 80 or 443");
	if (code != FAULT_NONE)
		return code;
	rule->port = (unsigned)port;
	rule->wild = rule->host[0] == '*';
	code = read_addresses(&fields, rule, fault);
	rule->host += rule->wild ? 2 : 0;
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}

static enum fault_code read_rules(struct fields *fields, struct book *book, struct fault *fault)
{
	struct json_object *list = NULL;
	enum fault_code code = fields_array(fields, "rules", BOOK_RULE_MAX, &list, fault);
	const size_t count = code == FAULT_NONE ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < count && code == FAULT_NONE; i++) {
		code = read_rule(json_object_array_get_idx(list, i), i, &book->rules[i], fault);
		if (code == FAULT_NONE && i > 0 && book->rules[i].index <= book->rules[i - 1].index)
			code = fault_set(fault, CODE, "rules", "their indices do not ascend");
	}
	book->rule_count = code == FAULT_NONE ? count : 0;
	return code;
}

enum fault_code plan_read(const char *line, size_t len, struct book *book, struct fault *fault)
{
	struct fields fields;
	enum fault_code code = canon_parse(line, len, CODE, &book->record, fault);

	if (code == FAULT_NONE)
		code = fields_open(&fields, book->record, "", CODE, fault);
	if (code == FAULT_NONE)
		code = fields_literal(&fields, "schemaVersion", "safe-run.egress/v1", fault);
	if (code == FAULT_NONE)
		code = reach_read(&fields, &book->reach, fault);
	if (code == FAULT_NONE)
		code = read_rules(&fields, book, fault);
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}
