/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/cgroup_limit.h"

#include "ipc/object.h"
#include "stages/launch/cgroup_read.h"
#include "stages/launch/cgroup_v2.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define PAGE 4096

Test(cgroup_limit, answers)
{
	static const struct {
		const char *asked, *answer;
		enum cgroup_match match;
		bool matches;
	} rows[] = {
		{"256", "256", CGROUP_MATCH_EXACT, true},
		{"256", "255", CGROUP_MATCH_EXACT, false},
		{"100000 100000", "max 100000", CGROUP_MATCH_EXACT, false},
		{"8192", "8192", CGROUP_MATCH_PAGE, true},
		{"12287", "8192", CGROUP_MATCH_PAGE, true},  /* rounded down by 4095 */
		{"12288", "8192", CGROUP_MATCH_PAGE, false}, /* a whole page less */
		{"8191", "8192", CGROUP_MATCH_PAGE, false},  /* more than asked */
		{"8192", "max", CGROUP_MATCH_PAGE, false},
		{"8192", "", CGROUP_MATCH_PAGE, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(
			cgroup_limit_matches(rows[i].asked, rows[i].answer, rows[i].match, PAGE),
			rows[i].matches, "%s -> %s", rows[i].asked, rows[i].answer);
}

Test(cgroup_limit, lower_bandwidth)
{
	static const struct {
		struct cgroup_bandwidth a, b, lower;
	} rows[] = {
		{{100000, 100000}, {0, 100000}, {100000, 100000}},
		{{0, 0}, {50000, 100000}, {50000, 100000}},
		{{100000, 100000}, {99999, 100000}, {99999, 100000}},
		{{100000, 100000}, {50000, 50000}, {100000, 100000}}, /* equal: the first */
		{{1000, 2000}, {400000, 1000000}, {400000, 1000000}},
		{{UINT64_MAX, 1000}, {UINT64_MAX - 1, 1000}, {UINT64_MAX - 1, 1000}},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cgroup_bandwidth got = cgroup_bandwidth_min(rows[i].a, rows[i].b);
		cr_expect_eq(got.quota_us, rows[i].lower.quota_us, "row %zu", i);
		cr_expect_eq(got.period_us, rows[i].lower.period_us, "row %zu", i);
	}
}

Test(cgroup_limit, swap_areas)
{
	cr_expect_not(cgroup_swap_listed(""));
	cr_expect_not(cgroup_swap_listed("Filename\tType\tSize\tUsed\tPriority"));
	cr_expect_not(cgroup_swap_listed("Filename\tType\tSize\tUsed\tPriority\n"));
	cr_expect(cgroup_swap_listed("Filename\tType\n/dev/zram0 partition 1 0 -2"));
}

Test(cgroup_v2, controllers_listed)
{
	cr_expect_eq(cgroup_v2_controllers("cpuset cpu io memory hugetlb pids rdma"),
		     CGROUP_V2_ALL);
	cr_expect_eq(cgroup_v2_controllers("cpuset hugetlb"), 0);
	cr_expect_eq(cgroup_v2_controllers("memory\n"), CGROUP_V2_MEMORY);
	cr_expect_eq(cgroup_v2_controllers(""), 0);
}

Test(cgroup_v2, spots)
{
	enum { M = CGROUP_V2_MEMORY, P = CGROUP_V2_PIDS, ALL = CGROUP_V2_ALL };
	static const struct {
		const char *name;
		struct cgroup_v2_level own, parent;
		unsigned controllers;
		enum cgroup_v2_spot spot;
	} rows[] = {
		{"the root gives what it has",
		 {true, true, ALL, 0},
		 {false, false, 0, 0},
		 ALL,
		 CGROUP_V2_BELOW},
		{"the root lacks one",
		 {true, true, M, M},
		 {false, false, 0, 0},
		 ALL,
		 CGROUP_V2_NOWHERE},
		{"ours gives already",
		 {true, false, ALL, M | P},
		 {true, false, ALL, ALL},
		 M | P,
		 CGROUP_V2_BELOW},
		{"ours has them but holds processes",
		 {true, false, ALL, 0},
		 {true, false, ALL, 0},
		 M | P,
		 CGROUP_V2_BESIDE},
		{"the root of a namespace",
		 {true, false, ALL, 0},
		 {false, false, 0, 0},
		 M,
		 CGROUP_V2_NOWHERE},
		{"the one above lacks one",
		 {true, false, M | P, 0},
		 {true, false, M | P, 0},
		 ALL,
		 CGROUP_V2_NOWHERE},
		{"nothing asked", {true, false, 0, 0}, {false, false, 0, 0}, 0, CGROUP_V2_BELOW},
		{"nothing there", {false, false, 0, 0}, {false, false, 0, 0}, 0, CGROUP_V2_NOWHERE},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(cgroup_v2_choose(&rows[i].own, &rows[i].parent, rows[i].controllers),
			     rows[i].spot, "%s", rows[i].name);
}

Test(cgroup_v2, bandwidth_texts)
{
	struct cgroup_bandwidth share;
	cr_expect(cgroup_v2_bandwidth_parse("max 100000", &share));
	cr_expect_eq(share.quota_us, 0);
	cr_expect(cgroup_v2_bandwidth_parse("50000 100000", &share));
	cr_expect_eq(share.quota_us, 50000);
	cr_expect_eq(share.period_us, 100000);
	static const char *const wrong[] = {"", "max", "50000", "maximum 1", "1 x", "-1 100000"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_not(cgroup_v2_bandwidth_parse(wrong[i], &share), "\"%s\"", wrong[i]);
}

/* RG3: beside our own cgroup nothing may be had that our own does not allow. */
Test(cgroup_v2, tightens_to_own_limits)
{
	static const struct cgroup_limits asked = {.memory_set = true,
						   .memory_max = 1000,
						   .cpu_set = true,
						   .cpu_quota_us = 100000,
						   .cpu_period_us = 100000,
						   .pids_set = true,
						   .pids_max = 100};
	static const struct {
		struct cgroup_v2_own_limits own;
		uint64_t memory, pids, quota;
		bool tightened;
	} rows[] = {
		{{0, 0, {0, 0}}, 1000, 100, 100000, false},
		{{1001, 101, {100001, 100000}}, 1000, 100, 100000, false},
		{{1000, 100, {100000, 100000}}, 1000, 100, 100000, false},
		{{999, 99, {99999, 100000}}, 999, 99, 99999, true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool tightened[CGROUP_CLAUSE_COUNT];
		struct cgroup_limits got = cgroup_v2_tighten(&asked, &rows[i].own, tightened);
		cr_expect_eq(got.memory_max, rows[i].memory, "row %zu", i);
		cr_expect_eq(got.pids_max, rows[i].pids, "row %zu", i);
		cr_expect_eq(got.cpu_quota_us, rows[i].quota, "row %zu", i);
		for (size_t c = 0; c < CGROUP_CLAUSE_COUNT; c++)
			cr_expect_eq(tightened[c], rows[i].tightened, "row %zu clause %zu", i, c);
	}
}

Test(cgroup_v2, own_limits_hold_where_the_policy_has_none)
{
	static const struct cgroup_limits asked = {0};
	static const struct cgroup_v2_own_limits own = {4096, 7, {1000, 2000}};
	bool tightened[CGROUP_CLAUSE_COUNT];
	struct cgroup_limits got = cgroup_v2_tighten(&asked, &own, tightened);
	cr_expect(got.memory_set && got.cpu_set && got.pids_set);
	cr_expect_eq(got.memory_max, 4096);
	cr_expect_eq(got.pids_max, 7);
	cr_expect_eq(got.cpu_quota_us, 1000);
	cr_expect_eq(got.cpu_period_us, 2000);
}

Test(cgroup_read, numbers)
{
	static const struct {
		const char *text, *key;
		bool valid;
		uint64_t value;
	} rows[] = {
		{"12", NULL, true, 12},
		{"12\n", NULL, true, 12},
		{"18446744073709551615", NULL, true, UINT64_MAX},
		{"18446744073709551616", NULL, false, 0},
		{"max", NULL, false, 0},
		{"", NULL, false, 0},
		{"-1", NULL, false, 0},
		{"12 ", NULL, false, 0},
		{"low 0\noom 2\noom_kill 3\n", "oom_kill", true, 3},
		{"oom_kill_disable 0\nunder_oom 0\noom_kill 5", "oom_kill", true, 5},
		{"oom_kill x\n", "oom_kill", false, 0},
		{"xoom_kill 3\n", "oom_kill", false, 0},
		{"low 0\n", "oom_kill", false, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t value = 0;
		cr_expect_eq(cgroup_number_parse(rows[i].text, rows[i].key, &value), rows[i].valid,
			     "\"%s\"", rows[i].text);
		if (rows[i].valid)
			cr_expect_eq(value, rows[i].value, "\"%s\"", rows[i].text);
	}
}

Test(cgroup_read, absent_counters_are_left_out)
{
	struct cgroup_counters counters = {0};
	counters.present[CGROUP_CPU_USAGE_US] = true;
	counters.values[CGROUP_CPU_USAGE_US] = UINT64_MAX;
	counters.present[CGROUP_PIDS_MAX_HITS] = true;
	counters.values[CGROUP_PIDS_MAX_HITS] = 3;
	struct json_object *payload OBJECT_CLEANUP = object_new();
	cgroup_counters_to_json(&counters, payload);
	cr_expect_str_eq(json_object_to_json_string_ext(payload, JSON_C_TO_STRING_PLAIN),
			 "{\"cpu\":{\"usageUs\":9007199254740991},\"memory\":{},"
			 "\"pids\":{\"maxHits\":3}}");
}

Test(cgroup_clause, values_keep_their_kind)
{
	struct cgroup_clause clause = {
		.enforced = true, .mechanism = "m", .requested = "50000 100000"};
	cgroup_clause_effective(&clause, "%d", 4096);
	cgroup_clause_fact(&clause, "pids.max", "max");
	cgroup_clause_fact(&clause, "pids.max", "7");
	cr_expect_str_eq(cgroup_clause_answer(&clause, "pids.max"), "7", "read again: replaced");
	cr_expect_str_eq(cgroup_clause_answer(&clause, "other"), "");
	struct json_object *object OBJECT_CLEANUP =
		cgroup_clause_to_json(&clause, CGROUP_CLAUSE_CPU);
	cr_expect_str_eq(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN),
			 "{\"clause\":\"resources.cpu.max\",\"effective\":4096,\"enforced\":true,"
			 "\"evidence\":{\"pids.max\":7},\"mechanism\":\"m\","
			 "\"requested\":\"50000 100000\"}");
}
