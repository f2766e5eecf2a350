/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/object.h"
#include "stages/compile/host_facts.h"
#include "stages/compile/machine_plan.h"
#include "stages/compile/network_plan.h"
#include "stages/compile/policy.h"
#include "stages/compile/process_plan.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define MIB ((int64_t)1 << 20)

static const struct {
	int64_t quota_us, period_us, vcpus;
} quotas[] = {
	{1000, 1000000, 1},
	{99999, 100000, 1},
	{100000, 100000, 1},
	{100001, 100000, 2},
	{200000, 100000, 2},
	{200001, 100000, 4},
	{300000, 100000, 4},
	{3000000, 100000, 30},
	{3000001, 100000, 32},
	{3200000, 100000, 32},
	{3200001, 100000, 32},
	{999999999999999, 1000, 32},
	{POLICY_UNLIMITED, 100000, 32},
};

static struct policy sample(void)
{
	return (struct policy){
		.command = "/bin/true",
		.args = array_new(),
		.env = object_new(),
		.mounts = array_new(),
		.egress = array_new(),
		.seccomp = "standard",
		.stdin_mode = "none",
		.workdir = "/work",
		.cpu_max = "100000 100000",
		.cpu_quota_us = 100000,
		.cpu_period_us = 100000,
		.memory_max = 256 * MIB,
		.pids_max = 1,
		.disk_max = 65536,
		.timeout_s = 1,
	};
}

static void release(struct policy *policy)
{
	object_release(&policy->args);
	object_release(&policy->env);
	object_release(&policy->mounts);
	object_release(&policy->egress);
}

static int64_t machine_number(const struct policy *policy, const char *name)
{
	struct json_object *config;
	struct fault fault;
	int64_t value;

	cr_assert_eq(machine_plan_config(policy, &config, &fault), FAULT_NONE);
	value = json_object_get_int64(
		json_object_object_get(json_object_object_get(config, "machine-config"), name));
	object_release(&config);
	return value;
}

Test(compile_plan, vcpus_cover_the_quota)
{
	struct policy policy = sample();

	for (size_t i = 0; i < sizeof(quotas) / sizeof(quotas[0]); i++) {
		policy.cpu_quota_us = quotas[i].quota_us;
		policy.cpu_period_us = quotas[i].period_us;
		cr_expect_eq(machine_number(&policy, "vcpu_count"), quotas[i].vcpus, "%ld %ld",
			     (long)quotas[i].quota_us, (long)quotas[i].period_us);
	}
	release(&policy);
}

Test(compile_plan, machine_memory_never_passes_the_limit)
{
	static const struct {
		int64_t bytes, mib;
	} cases[] = {{4 * MIB, 4},	 {5 * MIB - 1, 4},	   {5 * MIB, 5},
		     {1024 * MIB, 1024}, {POLICY_UNLIMITED, 1024}, {9007199254740991, 8589934591}};
	struct policy policy = sample();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		policy.memory_max = cases[i].bytes;
		cr_expect_eq(machine_number(&policy, "mem_size_mib"), cases[i].mib);
	}
	release(&policy);
}

Test(compile_plan, a_microvm_has_a_size)
{
	struct policy policy = sample();
	struct json_object *config;
	struct fault fault;

	policy.isolation = POLICY_MICROVM;
	cr_expect_eq(machine_plan_config(&policy, &config, &fault), FAULT_NONE);
	object_release(&config);
	policy.memory_max = POLICY_UNLIMITED;
	cr_expect_eq(machine_plan_config(&policy, &config, &fault), FAULT_COMPILE_MAPPING);
	cr_expect_str_eq(fault.path, "resources.memory.max");
	cr_expect_null(config);
	release(&policy);
}

/* Firecracker's jailer documentation, by the flag each field stands for. */
Test(compile_plan, the_jailer_gets_documented_flags_only)
{
	static const char *const fields[] = {
		"cgroup", "cgroupVersion", "chrootBaseDir", "execFile",	     "gid", "id",
		"netns",  "newPidNs",	   "parentCgroup",  "resourceLimit", "uid",
	};
	struct policy policy = sample();
	struct json_object *plan = machine_plan_jailer(&policy);
	size_t known = sizeof(fields) / sizeof(fields[0]);

	cr_expect_eq((size_t)json_object_object_length(plan), known);
	for (size_t i = 0; i < known; i++)
		cr_expect(json_object_object_get_ex(plan, fields[i], NULL), "%s", fields[i]);
	json_object_object_foreach(json_object_object_get(plan, "resourceLimit"), name, value)
	{
		cr_expect(strcmp(name, "fsize") == 0 || strcmp(name, "no-file") == 0, "%s", name);
		cr_expect_gt(json_object_get_int64(value), 0);
	}
	cr_expect_null(json_object_object_get(plan, "id"), "a bundle knows no run id");
	object_release(&plan);
	release(&policy);
}

static const struct {
	const char *env;
	const char *expected[6];
} envs[] = {
	{"{}",
	 {"HOME=/work", "LANG=C.UTF-8",
	  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}},
	{"{\"PATH\":\"\",\"LANG\":\"C\",\"HOME\":\"/\"}", {"HOME=/", "LANG=C", "PATH="}},
	{"{\"Z\":\"1=2\",\"A1\":\"x\",\"A\":\"y\",\"PATH\":\"/p\"}",
	 {"A=y", "A1=x", "HOME=/work", "LANG=C.UTF-8", "PATH=/p", "Z=1=2"}},
};

Test(compile_plan, the_environment_is_sorted_and_complete)
{
	for (size_t i = 0; i < sizeof(envs) / sizeof(envs[0]); i++) {
		struct policy policy = sample();
		struct host_facts facts = {.root = array_new(), .mounts = array_new()};
		struct json_object *plan, *env;
		size_t count = 0;

		object_release(&policy.env);
		policy.env = json_tokener_parse(envs[i].env);
		plan = process_plan_make(&policy, &facts);
		env = json_object_object_get(plan, "env");
		while (count < 6 && envs[i].expected[count] != NULL)
			count++;
		cr_assert_eq(json_object_array_length(env), count);
		for (size_t j = 0; j < count; j++)
			cr_expect_str_eq(json_object_get_string(json_object_array_get_idx(env, j)),
					 envs[i].expected[j]);
		object_release(&plan);
		object_release(&facts.root);
		object_release(&facts.mounts);
		release(&policy);
	}
}

Test(compile_plan, mode_none_has_no_network_plan)
{
	struct policy policy = sample();

	cr_expect_null(network_plan_make(&policy));
	release(&policy);
}

Test(compile_plan, an_allowlist_keeps_its_order_and_its_names)
{
	static const char *const expected =
		"{\"nft\":{\"chains\":[\"forward\"],\"rules\":[{\"chain\":\"forward\",\"port\":443,"
		"\"protocol\":\"tcp\",\"target\":{\"host\":\"b.example\"},\"verdict\":\"accept\"},"
		"{\"chain\":\"forward\",\"port\":53,\"protocol\":\"udp\",\"target\":{\"cidr\":"
		"\"192.0.2.1/32\"},\"verdict\":\"accept\"},{\"chain\":\"forward\",\"match\":"
		"\"name\",\"port\":80,\"protocol\":\"tcp\",\"target\":{\"host\":\"*.b.example\"},"
		"\"verdict\":\"accept\"}],\"table\":\"safe_run\"},"
		"\"tap\":{\"name\":\"sr-tap-<runId>\"}}";
	struct policy policy = sample();
	struct json_object *plan;

	object_release(&policy.egress);
	policy.egress =
		json_tokener_parse("[{\"host\":\"b.example\",\"port\":443,\"protocol\":\"tcp\"},"
				   "{\"cidr\":\"192.0.2.1/32\",\"port\":53,\"protocol\":\"udp\"},"
				   "{\"host\":\"*.b.example\",\"match\":\"name\",\"port\":80,"
				   "\"protocol\":\"tcp\"}]");
	policy.network = POLICY_NETWORK_ALLOWLIST;
	plan = network_plan_make(&policy);
	cr_expect_str_eq(json_object_to_json_string_ext(
				 plan, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
			 expected);
	object_release(&plan);
	release(&policy);
}
