/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plans of sr-filter and sr-uplink. Of a filter's that is accepted the rules are made, and nothing in
 * them opens more than the plan's own: what is accepted is a reply, or one of its rules with a counter.
 */
#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/filter/plan.h"
#include "stages/filter/ruleset.h"
#include "stages/filter/ruleset_tap.h"
#include "stages/uplink/plan.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(int holds)
{
	if (!holds)
		abort();
}

static int has(struct json_object *expr, const char *statement)
{
	for (size_t i = 0; i < json_object_array_length(expr); i++)
		if (json_object_object_get_ex(json_object_array_get_idx(expr, i), statement, NULL))
			return 1;
	return 0;
}

static const char *text(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	(void)json_object_object_get_ex(object, name, &value);
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

/* "established" or "related" somewhere in it. */
static int is_reply(struct json_object *expr)
{
	const char *all = json_object_to_json_string_ext(expr, JSON_C_TO_STRING_PLAIN);

	return strstr(all, "\"established\"") != NULL || strstr(all, "\"related\"") != NULL;
}

static void look_at_rule(struct json_object *rule)
{
	struct json_object *expr = NULL;

	require(json_object_object_get_ex(rule, "expr", &expr));
	if (strcmp(text(rule, "chain"), "forward") == 0 && has(expr, "accept"))
		require(has(expr, "counter") || is_reply(expr));
	if (strcmp(text(rule, "chain"), "through") == 0 && has(expr, "accept"))
		require(is_reply(expr));
}

static void look_at(struct json_object *commands)
{
	for (size_t i = 0; i < json_object_array_length(commands); i++) {
		struct json_object *add = NULL, *rule = NULL;

		require(json_object_object_get_ex(json_object_array_get_idx(commands, i), "add",
						  &add));
		if (json_object_object_get_ex(add, "rule", &rule))
			look_at_rule(rule);
	}
	object_release(&commands);
}

static void look_at_name(const char *name)
{
	require(strlen(name) < IFNAMSIZ &&
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct filter_plan filter;
	static struct uplink_plan uplink;
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct fault fault;

	if (canon_parse((const char *)data, len, FAULT_RUN_NETWORK, &record, &fault) != FAULT_NONE)
		return 0;
	memset(&filter, 0, sizeof filter);
	memset(&uplink, 0, sizeof uplink);
	if (filter_plan_read(record, &filter, &fault) == FAULT_NONE) {
		look_at_name(filter.interface);
		look_at_name(filter.tap.name);
		look_at(ruleset_make(&filter));
		look_at(ruleset_guard(&filter));
	}
	if (uplink_plan_read(record, &uplink, &fault) == FAULT_NONE)
		look_at_name(uplink.interface);
	return 0;
}
