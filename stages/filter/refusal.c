/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/filter/refusal.h"

#include "ipc/object.h"
#include "stages/filter/expr.h"

#include <json-c/json.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void add_set(struct rule *rule, const char *name, bool with_port)
{
	struct json_object *set = object_new(), *type = array_new();

	array_append_string(type, "ipv4_addr");
	array_append_string(type, "inet_proto");
	if (with_port)
		array_append_string(type, "inet_service");
	object_add_string(set, "name", name);
	object_add_integer(set, "size", REFUSAL_MAX);
	object_add(set, "type", type);
	expr_add(rule, "set", set);
}

void refusal_objects(struct rule *rule)
{
	struct json_object *counter = object_new();

	object_add_string(counter, "name", REFUSAL_OVERFLOW);
	expr_add(rule, "counter", counter);
	add_set(rule, REFUSAL_SET, true);
	add_set(rule, REFUSAL_SET_MORE, false);
	expr_chain(rule, "refuse", NULL, NULL, 0, NULL);
	expr_chain(rule, "remember", NULL, NULL, 0, NULL);
}

static void add_refuse(struct rule *rule)
{
	rule_begin(rule);
	expr_meta_number(rule, "l4proto", IPPROTO_TCP);
	expr_reject(rule, "tcp reset", NULL);
	rule_end(rule, "refuse", NULL);
	rule_begin(rule);
	expr_reject(rule, "icmpx", "admin-prohibited");
	rule_end(rule, "refuse", NULL);
}

/* Both sets are bounded: what does not fit into the first goes without its port, then uncounted. */
static void add_remember(struct rule *rule)
{
	static const char *const protocols[] = {"tcp", "udp"};

	for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
		rule_begin(rule);
		expr_remember(rule, "@" REFUSAL_SET, protocols[i]);
		expr_go(rule, "goto", "refuse");
		rule_end(rule, "remember", NULL);
	}
	rule_begin(rule);
	expr_remember(rule, "@" REFUSAL_SET_MORE, NULL);
	expr_go(rule, "goto", "refuse");
	rule_end(rule, "remember", NULL);
	rule_begin(rule);
	expr_counter(rule, REFUSAL_OVERFLOW);
	expr_go(rule, "goto", "refuse");
	rule_end(rule, "remember", NULL);
}

void refusal_rules(struct rule *rule)
{
	add_refuse(rule);
	add_remember(rule);
}

static void add_protocol(struct json_object *entry, int number)
{
	char text[16];

	(void)snprintf(text, sizeof text, "%d", number);
	object_add_string(entry, "protocol",
			  number == IPPROTO_TCP	   ? "tcp"
			  : number == IPPROTO_UDP  ? "udp"
			  : number == IPPROTO_ICMP ? "icmp"
						   : text);
}

/* {"elem":{"counter":{...},"val":{"concat":["192.0.2.1",6,443]}}} */
static void add_refused(struct json_object *refused, struct json_object *element)
{
	struct json_object *inner = object_member(element, "elem");
	struct json_object *concat = object_member(object_member(inner, "val"), "concat");
	struct json_object *entry;

	if (array_length(concat) < 2)
		return;
	entry = object_new();
	object_add_integer(entry, "count",
			   object_number(object_member(inner, "counter"), "packets"));
	object_add_shared(entry, "destination", json_object_array_get_idx(concat, 0));
	if (array_length(concat) > 2)
		object_add_integer(entry, "port",
				   json_object_get_int(json_object_array_get_idx(concat, 2)));
	else
		object_add_integer(entry, "port", 0);
	add_protocol(entry, json_object_get_int(json_object_array_get_idx(concat, 1)));
	array_append(refused, entry);
}

struct json_object *refusal_read(struct json_object *listing, int64_t *overflow)
{
	struct json_object *entries = object_member(listing, "nftables");
	struct json_object *refused = array_new();

	*overflow = 0;
	for (size_t i = 0; i < array_length(entries); i++) {
		struct json_object *entry = json_object_array_get_idx(entries, i);
		struct json_object *elements = object_member(object_member(entry, "set"), "elem");
		struct json_object *counter = object_member(entry, "counter");

		if (strcmp(object_text(counter, "name"), REFUSAL_OVERFLOW) == 0)
			*overflow += object_number(counter, "packets");
		for (size_t k = 0; k < array_length(elements); k++)
			add_refused(refused, json_object_array_get_idx(elements, k));
	}
	array_sort(refused);
	return refused;
}
