/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says it has: compared with what was asked for, and counted at the end. */
#include "ipc/object.h"
#include "ipc/sort.h"
#include "stages/filter/plan.h"
#include "stages/filter/ruleset.h"

#include <json-c/json.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CODE FAULT_RUN_NETWORK

static struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		(void)json_object_object_get_ex(object, name, &value);
	return value;
}

static const char *text_of(struct json_object *object, const char *name)
{
	struct json_object *value = member(object, name);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

static int64_t number_of(struct json_object *object, const char *name)
{
	struct json_object *value = member(object, name);

	return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;
}

/* {kind: object}: an object of one member. */
static struct json_object *only(struct json_object *entry, const char **kind)
{
	*kind = "";
	if (!json_object_is_type(entry, json_type_object))
		return NULL;
	json_object_object_foreach(entry, name, value)
	{
		*kind = name;
		return value;
	}
	return NULL;
}

struct element {
	struct json_object *value;
};

static int by_text(const void *one, const void *other, void *context)
{
	const struct element *a = one, *b = other;

	(void)context;
	return strcmp(json_object_to_json_string_ext(a->value, JSON_C_TO_STRING_PLAIN),
		      json_object_to_json_string_ext(b->value, JSON_C_TO_STRING_PLAIN));
}

/* json_object_array_sort is qsort(3), which no confined stage has: ipc/sort.h. */
static void sort_array(struct json_object *array)
{
	size_t count = json_object_array_length(array);
	struct element *elements = calloc(count + 1, sizeof *elements);

	if (elements == NULL)
		abort();
	for (size_t i = 0; i < count; i++)
		elements[i].value = json_object_get(json_object_array_get_idx(array, i));
	sort_items(elements, count, sizeof *elements, by_text, NULL);
	for (size_t i = 0; i < count; i++)
		if (json_object_array_put_idx(array, i, elements[i].value) < 0)
			abort();
	free(elements);
}

/* The kernel sorts an anonymous set's elements its own way; both are sorted ours. */
static void sort_sets(struct json_object *value)
{
	if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++)
			sort_sets(json_object_array_get_idx(value, i));
		return;
	}
	if (!json_object_is_type(value, json_type_object))
		return;
	json_object_object_foreach(value, name, inner)
	{
		if (strcmp(name, "set") == 0 && json_object_is_type(inner, json_type_array))
			sort_array(inner);
		sort_sets(inner);
	}
}

/* A counter that runs already is still the counter asked for. */
static void clear_counters(struct json_object *expr)
{
	size_t count =
		json_object_is_type(expr, json_type_array) ? json_object_array_length(expr) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *statement = json_object_array_get_idx(expr, i);

		if (json_object_is_type(member(statement, "counter"), json_type_object))
			object_add_null(statement, "counter");
	}
}

/*
 * The members that were asked for, those alone; the rest is handles and what libnftables adds. It
 * leaves out (1.0.6) what device a chain is on: nft_check_device.
 */
static bool same(struct json_object *asked, struct json_object *listed)
{
	clear_counters(member(listed, "expr"));
	sort_sets(asked);
	sort_sets(listed);
	json_object_object_foreach(asked, name, value)
	{
		struct json_object *told = NULL;

		if (!json_object_object_get_ex(listed, name, &told) && strcmp(name, "dev") == 0)
			continue;
		if (!json_object_equal(value, told))
			return false;
	}
	return true;
}

/* The next of this kind, and for rules of this chain, from *at on; rules keep their order. */
static struct json_object *listed_as(struct json_object *entries, const char *kind,
				     struct json_object *asked, size_t nth)
{
	const char *by = strcmp(kind, "rule") == 0 ? "chain" : "name";

	for (size_t i = 0; i < json_object_array_length(entries); i++) {
		const char *is;
		struct json_object *value = only(json_object_array_get_idx(entries, i), &is);

		if (strcmp(is, kind) == 0 && strcmp(text_of(value, by), text_of(asked, by)) == 0 &&
		    nth-- == 0)
			return value;
	}
	return NULL;
}

/* How many of the first count commands are rules of this chain. */
static size_t rules_before(struct json_object *commands, size_t count, const char *chain)
{
	size_t rules = 0;
	const char *kind;

	for (size_t i = 0; i < count; i++) {
		struct json_object *asked =
			only(member(json_object_array_get_idx(commands, i), "add"), &kind);

		rules += strcmp(kind, "rule") == 0 && strcmp(text_of(asked, "chain"), chain) == 0;
	}
	return rules;
}

static size_t count_listed(struct json_object *entries)
{
	size_t count = 0;
	const char *kind;

	for (size_t i = 0; i < json_object_array_length(entries); i++) {
		(void)only(json_object_array_get_idx(entries, i), &kind);
		count += strcmp(kind, "metainfo") != 0;
	}
	return count;
}

enum fault_code ruleset_compare(struct json_object *commands, struct json_object *listing,
				size_t before, size_t *objects, struct fault *fault)
{
	struct json_object *entries = member(listing, "nftables");
	size_t count = json_object_array_length(commands);

	if (!json_object_is_type(entries, json_type_array))
		return fault_set(fault, CODE, "nftables", "the kernel's listing cannot be read");
	for (size_t i = 0; i < count; i++) {
		const char *kind;
		struct json_object *asked =
			only(member(json_object_array_get_idx(commands, i), "add"), &kind);
		size_t nth = strcmp(kind, "rule") == 0
				     ? rules_before(commands, i, text_of(asked, "chain"))
				     : 0;
		struct json_object *listed = listed_as(entries, kind, asked, nth);

		if (listed == NULL || !same(asked, listed))
			return fault_set(
				fault, CODE, "nftables",
				"the kernel has %.200s where %.200s was set",
				json_object_to_json_string_ext(listed, JSON_C_TO_STRING_PLAIN),
				json_object_to_json_string_ext(asked, JSON_C_TO_STRING_PLAIN));
	}
	*objects = count_listed(entries);
	count += before;
	if (*objects != count)
		return fault_set(fault, CODE, "nftables",
				 "the kernel has %zu objects, set were %zu", *objects, count);
	return FAULT_NONE;
}

/* Packets the rule's own counter saw; each is the first of a connection. */
static int64_t rule_hits(struct json_object *rule)
{
	struct json_object *expr = member(rule, "expr");
	size_t count =
		json_object_is_type(expr, json_type_array) ? json_object_array_length(expr) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *counter = member(json_object_array_get_idx(expr, i), "counter");

		if (json_object_is_type(counter, json_type_object))
			return number_of(counter, "packets");
	}
	return 0;
}

int64_t ruleset_hits(struct json_object *listing, const char *comment)
{
	struct json_object *entries = member(listing, "nftables");
	size_t count = json_object_is_type(entries, json_type_array)
			       ? json_object_array_length(entries)
			       : 0;
	int64_t hits = 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *rule = member(json_object_array_get_idx(entries, i), "rule");

		if (strcmp(text_of(rule, "comment"), comment) == 0)
			hits += rule_hits(rule);
	}
	return hits;
}

/* A rule whose networks are open and closed by turns has two entries with one comment. */
static int64_t hits_of(struct json_object *listing, int64_t index)
{
	char comment[64];

	(void)snprintf(comment, sizeof comment, RULESET_COMMENT "%lld", (long long)index);
	return ruleset_hits(listing, comment);
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
	struct json_object *inner = member(element, "elem");
	struct json_object *concat = member(member(inner, "val"), "concat");
	struct json_object *entry;

	if (!json_object_is_type(concat, json_type_array) || json_object_array_length(concat) < 2)
		return;
	entry = object_new();
	object_add_integer(entry, "count", number_of(member(inner, "counter"), "packets"));
	object_add_shared(entry, "destination", json_object_array_get_idx(concat, 0));
	if (json_object_array_length(concat) > 2)
		object_add_integer(entry, "port",
				   json_object_get_int(json_object_array_get_idx(concat, 2)));
	else
		object_add_integer(entry, "port", 0);
	add_protocol(entry, json_object_get_int(json_object_array_get_idx(concat, 1)));
	array_append(refused, entry);
}

static void add_sets(struct json_object *entries, struct json_object *refused, int64_t *overflow)
{
	size_t count = json_object_is_type(entries, json_type_array)
			       ? json_object_array_length(entries)
			       : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *entry = json_object_array_get_idx(entries, i);
		struct json_object *elements = member(member(entry, "set"), "elem");
		struct json_object *counter = member(entry, "counter");

		if (strcmp(text_of(counter, "name"), RULESET_OVERFLOW) == 0)
			*overflow += number_of(counter, "packets");
		if (!json_object_is_type(elements, json_type_array))
			continue;
		for (size_t k = 0; k < json_object_array_length(elements); k++)
			add_refused(refused, json_object_array_get_idx(elements, k));
	}
}

struct json_object *ruleset_count(const struct filter_plan *plan, struct json_object *listing)
{
	struct json_object *entries = member(listing, "nftables");
	struct json_object *record = object_new(), *rules = array_new(), *refused = array_new();
	int64_t overflow = 0;

	for (size_t i = 0; i < plan->rule_count; i++) {
		struct json_object *rule = object_new();

		object_add_integer(rule, "allowedHits", hits_of(listing, plan->rules[i].index));
		object_add_integer(rule, "blockedHits", 0);
		object_add_integer(rule, "index", plan->rules[i].index);
		array_append(rules, rule);
	}
	add_sets(entries, refused, &overflow);
	sort_array(refused);
	object_add(record, "refused", refused);
	object_add_integer(record, "refusedOverflow", overflow);
	object_add(record, "rules", rules);
	object_add_string(record, "type", "final");
	return record;
}
