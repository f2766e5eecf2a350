/* SPDX-License-Identifier: Apache-2.0 */
/* What sr-filter and sr-uplink take for a plan, and what sr-filter makes of the kernel's counters. */
#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/filter/plan.h"
#include "stages/filter/refusal.h"
#include "stages/filter/ruleset.h"
#include "stages/uplink/plan.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum fault_code reader(struct json_object *record, struct fault *fault);

static enum fault_code read_filter(struct json_object *record, struct fault *fault)
{
	struct filter_plan *plan = calloc(1, sizeof *plan);
	enum fault_code code;

	cr_assert_not_null(plan);
	code = filter_plan_read(record, plan, fault);
	free(plan);
	return code;
}

static enum fault_code read_uplink(struct json_object *record, struct fault *fault)
{
	struct uplink_plan *plan = calloc(1, sizeof *plan);
	enum fault_code code;

	cr_assert_not_null(plan);
	code = uplink_plan_read(record, plan, fault);
	free(plan);
	return code;
}

static void try_set(const char *set, reader *read, bool accepted)
{
	struct vector_set vectors;

	vectors_load(set, &vectors);
	for (size_t i = 0; i < vectors.count; i++) {
		const struct vector *vector = &vectors.items[i];
		struct json_object *record = NULL;
		struct fault fault = {.message = ""};

		/* A record in its canonical form: it is the plan that is refused. */
		cr_assert_eq(
			canon_parse(vector->data, vector->len, FAULT_RUN_NETWORK, &record, &fault),
			FAULT_NONE, "%s: %s", vector->name, fault.message);
		cr_expect_eq(read(record, &fault) == FAULT_NONE, accepted, "%s/%s: %s", set,
			     vector->name, fault.message);
		json_object_put(record);
	}
	vectors_release(&vectors);
}

Test(netplan, vectors)
{
	try_set("netplan/filter/accept", read_filter, true);
	try_set("netplan/filter/reject", read_filter, false);
	try_set("netplan/uplink/accept", read_uplink, true);
	try_set("netplan/uplink/reject", read_uplink, false);
}

static struct json_object *load(const char *path)
{
	char *file = vectors_path(path);
	struct json_object *record = json_object_from_file(file);

	cr_assert_not_null(record, "%s", file);
	free(file);
	return record;
}

/* An array grown to count by its own first element is taken, or refused from the cap on. */
static void try_cap(const char *path, const char *name, bool of_rule, size_t cap, reader *read)
{
	for (size_t count = cap - 1; count <= cap + 1; count++) {
		struct json_object *record = load(path), *holder = record, *list = NULL;
		struct fault fault = {.message = ""};

		if (of_rule)
			holder = json_object_array_get_idx(json_object_object_get(record, "rules"),
							   0);
		list = json_object_object_get(holder, name);
		while (json_object_array_length(list) < count)
			json_object_array_add(list,
					      json_object_get(json_object_array_get_idx(list, 0)));
		cr_expect_eq(read(record, &fault) == FAULT_NONE, count <= cap, "%zu of %s: %s",
			     count, name, fault.message);
		json_object_put(record);
	}
}

Test(netplan, caps)
{
	try_cap("netplan/filter/accept/plain.json", "rules", false, FILTER_RULE_MAX, read_filter);
	try_cap("netplan/filter/accept/plain.json", "closed", false, FILTER_CLOSED_MAX,
		read_filter);
	try_cap("netplan/filter/accept/plain.json", "addresses", true, FILTER_ADDRESS_MAX,
		read_filter);
	try_cap("netplan/uplink/accept/plain.json", "addresses", false, UPLINK_ADDRESS_MAX,
		read_uplink);
}

static void add_element(struct json_object *list, size_t number, bool with_port)
{
	char text[256];

	snprintf(text, sizeof text,
		 "{\"elem\":{\"counter\":{\"bytes\":60,\"packets\":%zu},\"val\":{\"concat\":["
		 "\"10.0.%zu.%zu\",%d%s]}}}",
		 number + 1, number / 256, number % 256, with_port ? 6 : 1,
		 with_port ? ",443" : "");
	json_object_array_add(list, json_tokener_parse(text));
}

static struct json_object *make_set(const char *name, size_t count, bool with_port)
{
	struct json_object *entry = object_new(), *set = object_new(), *list = array_new();

	for (size_t i = 0; i < count; i++)
		add_element(list, i, with_port);
	object_add_string(set, "name", name);
	if (count > 0)
		object_add(set, "elem", list);
	else
		json_object_put(list);
	object_add(entry, "set", set);
	return entry;
}

static long long sum(struct json_object *refused)
{
	long long total = 0;

	for (size_t i = 0; i < json_object_array_length(refused); i++)
		total += json_object_get_int64(
			json_object_object_get(json_object_array_get_idx(refused, i), "count"));
	return total;
}

/* Both sets full, and what neither had room for: nothing is lost from the sum. */
static void try_count(size_t count, long long overflow)
{
	struct filter_plan *plan = calloc(1, sizeof *plan);
	struct json_object *listing = object_new(), *entries = array_new(), *final, *refused;
	char text[256];

	cr_assert_not_null(plan);
	plan->rule_count = 1;
	array_append(entries, make_set(REFUSAL_SET, count, true));
	array_append(entries, make_set(REFUSAL_SET_MORE, count, false));
	snprintf(text, sizeof text,
		 "{\"counter\":{\"bytes\":0,\"name\":\"" REFUSAL_OVERFLOW "\",\"packets\":%lld}}",
		 overflow);
	array_append(entries, json_tokener_parse(text));
	array_append(entries,
		     json_tokener_parse("{\"rule\":{\"chain\":\"forward\",\"comment\":\"rule 0\","
					"\"expr\":[{\"counter\":{\"bytes\":1,\"packets\":7}}]}}"));
	object_add(listing, "nftables", entries);
	final = ruleset_count(plan, listing);
	refused = json_object_object_get(final, "refused");
	cr_expect_eq(json_object_array_length(refused), 2 * count);
	cr_expect_eq(sum(refused), (long long)(count * (count + 1)));
	cr_expect_eq(json_object_get_int64(json_object_object_get(final, "refusedOverflow")),
		     overflow);
	cr_expect_eq(json_object_get_int64(json_object_object_get(
			     json_object_array_get_idx(json_object_object_get(final, "rules"), 0),
			     "allowedHits")),
		     7);
	json_object_put(final);
	json_object_put(listing);
	free(plan);
}

Test(netplan, refused_destinations)
{
	try_count(0, 0);
	try_count(1, 0);
	try_count(REFUSAL_MAX - 1, 0);
	try_count(REFUSAL_MAX, 12345);
}

static bool mentions(struct json_object *value, const char *text)
{
	return strstr(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN), text) != NULL;
}

/* The member at this place of the plan's rule, or of the plan, becomes value (a JSON text). */
static bool tracks(const char *vector, bool of_rule, const char *name, const char *value)
{
	struct filter_plan *plan = calloc(1, sizeof *plan);
	struct json_object *record = load(vector), *commands, *place = record;
	struct fault fault;
	bool tracked, matched;

	cr_assert_not_null(plan);
	if (of_rule)
		place = json_object_array_get_idx(json_object_object_get(record, "rules"), 0);
	if (name != NULL)
		json_object_object_add(place, name, json_tokener_parse(value));
	cr_assert_eq(filter_plan_read(record, plan, &fault), FAULT_NONE, "%s", fault.message);
	commands = ruleset_make(plan);
	tracked = mentions(commands, "\"ct\"") || mentions(commands, "\"ct count\"");
	matched = mentions(commands, "\"flags\",\"protocol\":\"tcp\"");
	cr_expect_eq(ruleset_tracks(plan), tracked, "%s %s", vector, name);
	cr_expect_eq(matched, !tracked, "%s %s: by state or by flags", vector, name);
	json_object_put(commands);
	json_object_put(record);
	free(plan);
	return tracked;
}

/* Twice only where the kernel behind the interface does not, or flags do not tell. */
Test(netplan, connections_are_tracked_once)
{
	static const char vector[] = "netplan/filter/accept/tracked.json";
	static const char tap[] =
		"{\"gateway\":{\"address\":\"100.63.255.0\",\"mac\":\"02:00:00:00:00:01\"},"
		"\"guest\":{\"address\":\"100.63.255.1\",\"mac\":\"02:00:00:00:00:02\"},"
		"\"name\":\"sr-tap-0123\",\"resolver\":false}";

	cr_expect_not(tracks(vector, false, NULL, NULL));
	cr_expect(tracks(vector, false, "tracked", "false"), "nobody else does");
	cr_expect(tracks(vector, true, "protocol", "\"udp\""), "datagrams have no flags");
	cr_expect(tracks(vector, true, "redirect", "4443"), "what is turned is known by its state");
	cr_expect(tracks(vector, false, "tap", tap), "a guest makes packets of its own");
	cr_expect(tracks("netplan/filter/accept/plain.json", false, NULL, NULL));
}

/* One letter for each rule of the chain forward: its plan's number, c for what is closed, 6 for IPv6. */
static void forward_order(const char *rules, char *out)
{
	struct filter_plan *plan = calloc(1, sizeof *plan);
	struct json_object *record = load("netplan/filter/accept/tracked.json"), *commands;
	struct fault fault;

	cr_assert_not_null(plan);
	json_object_object_add(record, "rules", json_tokener_parse(rules));
	cr_assert_eq(filter_plan_read(record, plan, &fault), FAULT_NONE, "%s", fault.message);
	commands = ruleset_make(plan);
	for (size_t i = 0; i < json_object_array_length(commands); i++) {
		struct json_object *command = json_object_array_get_idx(commands, i);
		struct json_object *rule = object_member(object_member(command, "add"), "rule");
		const char *comment = object_text(rule, "comment");

		if (rule == NULL || strcmp(object_text(rule, "chain"), "forward") != 0)
			continue;
		if (comment[0] != '\0')
			*out++ = comment[strlen(RULESET_COMMENT)];
		else if (mentions(rule, "\"ipv6\""))
			*out++ = '6';
		else
			*out++ = mentions(rule, "\"daddr\"") ? 'c' : '.';
	}
	*out = '\0';
	json_object_put(commands);
	json_object_put(record);
	free(plan);
}

/* What a closed network takes something from stands behind it; the rest first, in the policy's order. */
Test(netplan, what_is_closed_stays_closed_to_wide_rules)
{
#define RULE(addresses, index)                                                                     \
	"{\"addresses\":[" addresses "],\"index\":" index ",\"port\":443,\"protocol\":\"tcp\","    \
	"\"redirect\":null}"
#define WIDE  "\"0.0.0.0/0\""
#define CLEAR "\"203.0.113.0/24\""
#define NAMED "\"127.0.0.5/32\""
	static const struct {
		const char *rules, *order;
	} cases[] = {
		{"[" RULE(CLEAR, "0") "]", "06cc."},
		{"[" RULE(WIDE, "0") "]", "6cc0."},
		{"[" RULE(CLEAR, "0") "," RULE(WIDE, "1") "]", "06cc1."},
		{"[" RULE(WIDE, "0") "," RULE(CLEAR, "1") "]", "6cc01."},
		{"[" RULE(NAMED, "0") "," RULE(WIDE, "1") "]", "60cc1."},
		{"[" RULE(CLEAR "," NAMED, "0") "," RULE(WIDE, "1") "]", "060cc1."},
		{"[" RULE(CLEAR "," WIDE, "0") "]", "6cc0."},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char order[64];

		forward_order(cases[i].rules, order);
		cr_expect_str_eq(order, cases[i].order, "%s for %s", order, cases[i].rules);
	}
}

/* The sets are bounded in the kernel, and what does not fit goes on to the next rule. */
Test(netplan, sets_are_bounded)
{
	struct filter_plan *plan = calloc(1, sizeof *plan);
	struct json_object *record = load("netplan/filter/accept/plain.json"), *commands;
	struct fault fault;
	size_t remember = 0;

	cr_assert_not_null(plan);
	cr_assert_eq(filter_plan_read(record, plan, &fault), FAULT_NONE);
	commands = ruleset_make(plan);
	for (size_t i = 0; i < json_object_array_length(commands); i++) {
		struct json_object *command = json_object_array_get_idx(commands, i);

		if (mentions(command, "{\"add\":{\"set\":"))
			cr_expect(mentions(command, "\"size\":256"), "%s",
				  json_object_to_json_string(command));
		remember += mentions(command, "\"chain\":\"remember\"");
	}
	cr_expect_eq(remember, 4, "tcp, udp, the rest, and what no set has room for");
	json_object_put(commands);
	json_object_put(record);
	free(plan);
}
