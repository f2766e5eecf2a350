/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says it has: compared with what was asked for, and counted at the end. */
#include "ipc/object.h"
#include "stages/filter/plan.h"
#include "stages/filter/refusal.h"
#include "stages/filter/ruleset.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define CODE FAULT_RUN_NETWORK

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
			array_sort(inner);
		sort_sets(inner);
	}
}

/* A counter that runs already is still the counter asked for. */
static void clear_counters(struct json_object *expr)
{
	size_t count = array_length(expr);

	for (size_t i = 0; i < count; i++) {
		struct json_object *statement = json_object_array_get_idx(expr, i);

		if (json_object_is_type(object_member(statement, "counter"), json_type_object))
			object_add_null(statement, "counter");
	}
}

/*
 * The members that were asked for, those alone; the rest is handles and what libnftables adds. It
 * leaves out (1.0.6) what device a chain is on: nft_check_device.
 */
static bool same(struct json_object *asked, struct json_object *listed)
{
	clear_counters(object_member(listed, "expr"));
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

		if (strcmp(is, kind) == 0 &&
		    strcmp(object_text(value, by), object_text(asked, by)) == 0 && nth-- == 0)
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
			only(object_member(json_object_array_get_idx(commands, i), "add"), &kind);

		rules += strcmp(kind, "rule") == 0 &&
			 strcmp(object_text(asked, "chain"), chain) == 0;
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
				size_t *objects, struct fault *fault)
{
	struct json_object *entries = object_member(listing, "nftables");
	size_t count = json_object_array_length(commands);

	if (!json_object_is_type(entries, json_type_array))
		return fault_set(fault, CODE, "nftables", "the kernel's listing cannot be read");
	for (size_t i = 0; i < count; i++) {
		const char *kind;
		struct json_object *asked =
			only(object_member(json_object_array_get_idx(commands, i), "add"), &kind);
		size_t nth = strcmp(kind, "rule") == 0
				     ? rules_before(commands, i, object_text(asked, "chain"))
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
	if (*objects != count)
		return fault_set(fault, CODE, "nftables",
				 "the kernel has %zu objects, set were %zu", *objects, count);
	return FAULT_NONE;
}

/* Packets the rule's own counter saw; each is the first of a connection. */
static int64_t rule_hits(struct json_object *rule)
{
	struct json_object *expr = object_member(rule, "expr");
	size_t count = array_length(expr);

	for (size_t i = 0; i < count; i++) {
		struct json_object *counter =
			object_member(json_object_array_get_idx(expr, i), "counter");

		if (json_object_is_type(counter, json_type_object))
			return object_number(counter, "packets");
	}
	return 0;
}

int64_t ruleset_hits(struct json_object *listing, const char *comment)
{
	struct json_object *entries = object_member(listing, "nftables");
	size_t count = array_length(entries);
	int64_t hits = 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *rule =
			object_member(json_object_array_get_idx(entries, i), "rule");

		if (strcmp(object_text(rule, "comment"), comment) == 0)
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

struct json_object *ruleset_count(const struct filter_plan *plan, struct json_object *listing)
{
	struct json_object *record = object_new(), *rules = array_new();
	int64_t overflow;

	for (size_t i = 0; i < plan->rule_count; i++) {
		struct json_object *rule = object_new();

		object_add_integer(rule, "allowedHits", hits_of(listing, plan->rules[i].index));
		object_add_integer(rule, "blockedHits", 0);
		object_add_integer(rule, "index", plan->rules[i].index);
		array_append(rules, rule);
	}
	object_add(record, "refused", refusal_read(listing, &overflow));
	object_add_integer(record, "refusedOverflow", overflow);
	object_add(record, "rules", rules);
	object_add_string(record, "type", "final");
	return record;
}
