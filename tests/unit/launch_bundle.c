/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle is what an attacker writes: every field wrong, one at a time. */
#include "stages/launch/bundle.h"

#include "ipc/object.h"
#include "stages/launch/admit.h"
#include "stages/launch/plan.h"
#include "tests/stage/launch_bundle.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const argv[] = {"/bin/echo", "a", "b", NULL};

/* Parse and admit; *fault says what happened. The bundle's reference is taken. */
static enum fault_code take(struct json_object *object, struct plan **plan, struct fault *fault)
{
	struct bundle bundle;
	size_t len;
	char *line = launch_line(object, &len);
	enum fault_code code;

	*plan = plan_new();
	cr_assert_not_null(*plan);
	fault->message[0] = fault->path[0] = '\0';
	code = bundle_parse(line, len - 1, &bundle, *plan, fault);
	if (code == FAULT_NONE)
		code = admit_plan(*plan, fault);
	bundle_release(&bundle);
	json_object_put(object);
	free(line);
	return code;
}

static struct json_object *fresh(void)
{
	struct json_object *policy = launch_policy(argv);
	struct json_object *bundle = launch_bundle(policy);

	json_object_put(policy);
	/* Plans and policy share values; a change in one must not be one in the other. */
	struct json_object *copy = NULL;

	cr_assert_eq(json_object_deep_copy(bundle, &copy, NULL), 0);
	json_object_put(bundle);
	return copy;
}

Test(launch_bundle, becomes_a_plan)
{
	struct plan *plan;
	struct fault fault;
	struct json_object *bundle = fresh();

	launch_set(bundle, "cgroupPlan.cpu.max", "\"50000 100000\"");
	launch_set(bundle, "policy.resources.cpu.max", "\"50000 100000\"");
	launch_set(bundle, "cgroupPlan.memory.max", "4194304");
	launch_set(bundle, "policy.resources.memory.max", "4194304");
	launch_rehash(bundle);
	cr_assert_eq(take(bundle, &plan, &fault), FAULT_NONE, "%s: %s", fault.path, fault.message);
	cr_expect_str_eq(plan->argv[0], "/bin/echo");
	cr_expect_str_eq(plan->argv[2], "b");
	cr_expect_null(plan->argv[3]);
	cr_expect_str_eq(plan->envp[0], "HOME=/work");
	cr_expect_str_eq(plan->cwd, "/work");
	cr_expect_eq(plan->timeout_s, 20);
	cr_expect_eq(plan->disk_max, 1048576);
	cr_expect_not_null(plan->filter);
	cr_expect(plan->cgroup_limits.cpu_set && plan->cgroup_limits.cpu_quota_us == 50000 &&
		  plan->cgroup_limits.cpu_period_us == 100000);
	cr_expect(plan->cgroup_limits.memory_set && plan->cgroup_limits.memory_max == 4194304);
	cr_expect_not(plan->cgroup_limits.pids_set);
	cr_expect_str_eq(plan->entries[0].path, "/usr");
	plan_free(plan);
}

/* Plan and policy agree on the new value, and the hashes are right: only the value is wrong. */
Test(launch_bundle, refuses_values_out_of_range)
{
	static const struct {
		const char *policy, *plan, *value;
		bool good;
	} cases[] = {
		{"runtime.timeoutSec", "timeoutSec", "0", false},
		{"runtime.timeoutSec", "timeoutSec", "1", true},
		{"runtime.timeoutSec", "timeoutSec", "2", true},
		{"runtime.timeoutSec", "timeoutSec", "604799", true},
		{"runtime.timeoutSec", "timeoutSec", "604800", true},
		{"runtime.timeoutSec", "timeoutSec", "604801", false},
		{"runtime.timeoutSec", "timeoutSec", "\"20\"", false},
		{"resources.disk.max", "diskMax", "4095", false},
		{"resources.disk.max", "diskMax", "4096", true},
		{"resources.disk.max", "diskMax", "-1", false},
		{"resources.output.max", "outputMax", "-1", false},
		{"resources.output.max", "outputMax", "0", true},
		{"runtime.workdir", "cwd", "\"work\"", false},
		{"runtime.workdir", "cwd", "\"/\"", false},
		{"runtime.workdir", "cwd", "\"/a/../b\"", false},
		{"runtime.workdir", "cwd", "\"/a//b\"", false},
		{"runtime.workdir", "cwd", "\"/a/./b\"", false},
		{"runtime.workdir", "cwd", "\"/a/\"", false},
		{"runtime.workdir", "cwd", "\"/a/..b\"", true},
		{"runtime.workdir", "cwd", "\"/proc/self/fd/9\"", false},
		{"runtime.workdir", "cwd", "\"/sys/fs/cgroup\"", false},
		{"runtime.workdir", "cwd", "\"/dev/shm\"", false},
		{"runtime.seccomp", "seccomp", "\"strict\"", true},
		{"runtime.seccomp", "seccomp", "\"strict-la57\"", false},
		{"runtime.seccomp", "seccomp", "\"none\"", false},
		{"runtime.seccomp", "seccomp", "\"\"", false},
		{"runtime.stdin", "stdin", "\"none\"", true},
		{"runtime.stdin", "stdin", "\"file\"", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct json_object *bundle = fresh();
		char path[64];
		struct plan *plan;
		struct fault fault;

		(void)snprintf(path, sizeof path, "policy.%s", cases[i].policy);
		launch_set(bundle, path, cases[i].value);
		(void)snprintf(path, sizeof path, "processPlan.%s", cases[i].plan);
		launch_set(bundle, path, cases[i].value);
		launch_rehash(bundle);
		cr_expect_eq(take(bundle, &plan, &fault) == FAULT_NONE, cases[i].good,
			     "%s %s: %s: %s", cases[i].plan, cases[i].value, fault.path,
			     fault.message);
		plan_free(plan);
	}
}

/* One change a hostile compiler makes; where is what the fault's path must begin with. */
static const struct {
	const char *path, *value, *where;
} changes[] = {
	{"schemaVersion", "\"safe-run.bundle/v2\"", "schemaVersion"},
	{"extra", "1", "extra"},
	{"policy", "null", "policy"},
	{"policy", "[]", "policy"},
	{"policyHash", "\"sha256:00\"", "policyHash"},
	{"policyHash", NULL, "policyHash"},
	{"commandHash", "null", "commandHash"},
	{"policy.metadata.name", "\"other\"", "policyHash"},
	{"errors", "null", "errors"},
	{"errors", "[{\"code\":\"SR-CMP-001\",\"message\":\"m\",\"path\":\"p\"}]", "cgroupPlan"},
	{"cgroupPlan", "null", "cgroupPlan"},
	{"cgroupPlan.memory.max", "1048576", "cgroupPlan.memory.max"},
	{"cgroupPlan.memory.max", "-1", "cgroupPlan.memory.max"},
	{"cgroupPlan.memory.max", "\"none\"", "cgroupPlan.memory.max"},
	{"cgroupPlan.memory.swapMax", "1", "cgroupPlan.memory.swapMax"},
	{"cgroupPlan.pids.max", "0", "cgroupPlan.pids.max"},
	{"cgroupPlan.pids.max", "7", "cgroupPlan.pids.max"},
	{"cgroupPlan.pids.more", "7", "cgroupPlan.pids.more"},
	{"cgroupPlan.cpu.max", "\"max\"", "cgroupPlan.cpu.max"},
	{"cgroupPlan.cpu.max", "\"max 999\"", "cgroupPlan.cpu.max"},
	{"cgroupPlan.cpu.max", "\"999 100000\"", "cgroupPlan.cpu.max"},
	{"cgroupPlan.cpu.max", "\"1000 1000001\"", "cgroupPlan.cpu.max"},
	{"cgroupPlan.cpu.max", "\"1000 100000 \"", "cgroupPlan.cpu.max"},
	{"cgroupPlan.cpu.max", "\"01000 100000\"", "cgroupPlan.cpu.max"},
	{"cgroupPlan.cpu.max", "\"2000 100000\"", "cgroupPlan.cpu.max"},
	{"mountPlan",
	 "[{\"noexec\":false,\"read_only\":true,\"source\":\"/etc\",\"target\":\"/x\"}]",
	 "mountPlan"},
	{"networkPlan", "{}", "networkPlan"},
	{"evidencePlan.level", "\"full\"", "evidencePlan.level"},
	{"evidencePlan.events", "[]", "evidencePlan.events"},
	{"evidencePlan.events[3]", "\"compile\"", "evidencePlan.events"},
	{"jailerPlan", "null", "jailerPlan"},
	{"firecrackerConfig", "[]", "firecrackerConfig"},
	{"processPlan", "null", "processPlan"},
	{"processPlan.extra", "1", "processPlan.extra"},
	{"processPlan.argv", "[]", "processPlan.argv"},
	{"processPlan.argv", "[\"/bin/sh\",\"a\",\"b\"]", "processPlan.argv[0]"},
	{"processPlan.argv", "[\"/bin/echo\",\"a\"]", "processPlan.argv"},
	{"processPlan.argv", "[\"/bin/echo\",\"a\",\"c\"]", "processPlan.argv"},
	{"processPlan.argv[2]", "7", "processPlan.argv"},
	{"processPlan.env", "[\"LD_PRELOAD=/x\"]", "processPlan.env"},
	{"processPlan.env", "[\"PATH=/bin\",\"HOME=/\"]", "processPlan.env"},
	{"processPlan.env", "[\"HOME=/\",\"HOME=/x\"]", "processPlan.env"},
	{"processPlan.env", "[\"HOME\"]", "processPlan.env"},
	{"processPlan.env", "[\"=x\"]", "processPlan.env"},
	{"processPlan.hostname", "\"a b\"", "processPlan.hostname"},
	{"processPlan.hostname", "\"-a\"", "processPlan.hostname"},
	{"processPlan.hostname", "\"\"", "processPlan.hostname"},
	{"processPlan.limits.core", "0", "processPlan.limits.core"},
	{"processPlan.limits.core", "2", "processPlan.limits.core"},
	{"processPlan.limits.nofile", "1048577", "processPlan.limits.nofile"},
	{"processPlan.limits.stack", "1", "processPlan.limits.stack"},
	{"processPlan.limits.memlock", NULL, "processPlan.limits.memlock"},
	{"processPlan.timeoutSec", "21", "processPlan.timeoutSec"},
	{"processPlan.diskMax", "2097152", "processPlan.diskMax"},
	{"processPlan.seccomp", "\"strict\"", "processPlan.seccomp"},
	{"processPlan.cwd", "\"/tmp\"", "processPlan.cwd"},
	{"processPlan.stdin", "\"none\"", "processPlan.stdin"},
	{"processPlan.mountFacts", "[{}]", "processPlan.mountFacts"},
	{"processPlan.mountAllowlist", NULL, "processPlan.mountAllowlist"},
	{"processPlan.mountAllowlist", "[]", "processPlan.mountAllowlist"},
	{"processPlan.mountAllowlist.more", "1", "processPlan.mountAllowlist.more"},
	{"processPlan.mountAllowlist.origin", "\"me\"", "processPlan.mountAllowlist.origin"},
	{"processPlan.mountAllowlist.hostAllowPrefixes", "[\"/a/../b\"]",
	 "processPlan.mountAllowlist.hostAllowPrefixes[0]"},
	{"processPlan.mountAllowlist.guestAllowPrefixes", "[\"/\",\"a\"]",
	 "processPlan.mountAllowlist.guestAllowPrefixes[1]"},
	{"processPlan.mountAllowlist.guestAllowPrefixes", "[1]",
	 "processPlan.mountAllowlist.guestAllowPrefixes[0]"},
	{"processPlan.root.kind", "\"directory\"", "processPlan.root.entries"},
	{"processPlan.root.path", "\"/\"", "processPlan.root.path"},
	{"processPlan.root.entries[0].path", "\"/root\"", "processPlan.root.entries[0]"},
	{"processPlan.root.entries[0].path", "\"/etc/shadow\"", "processPlan.root.entries[0]"},
	{"processPlan.root.entries[0].path", "\"/usr/../root\"",
	 "processPlan.root.entries[0].path"},
	{"processPlan.root.entries[0].source", "\"/root\"", "processPlan.root.entries[0]"},
	{"processPlan.root.entries[0].type", "\"proc\"", "processPlan.root.entries[0]"},
	{"processPlan.root.entries[0].more", "1", "processPlan.root.entries[0].more"},
	{"processPlan.root.entries[1].path", "\"/usr\"", "processPlan.root.entries[1]"},
	{"processPlan.root.entries",
	 "[{\"path\":\"/etc/localtime\",\"source\":\"/etc/shadow\",\"type\":\"bind\"}]",
	 "processPlan.root.entries[0]"},
	{"processPlan.root.entries",
	 "[{\"path\":\"/etc/localtime\",\"source\":\"/usr/share/zoneinfo/../../../etc/shadow\","
	 "\"type\":\"bind\"}]",
	 "processPlan.root.entries[0].source"},
};

Test(launch_bundle, refuses_every_lie)
{
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct json_object *bundle = fresh();
		struct plan *plan;
		struct fault fault;

		launch_set(bundle, changes[i].path, changes[i].value);
		cr_expect_neq(take(bundle, &plan, &fault), FAULT_NONE, "%s = %s", changes[i].path,
			      changes[i].value);
		cr_expect_eq(strncmp(fault.path, changes[i].where, strlen(changes[i].where)), 0,
			     "%s = %s: %s: %s", changes[i].path, changes[i].value, fault.path,
			     fault.message);
		plan_free(plan);
	}
}

#define OWN_ROOT(kind, path, type)                                                                 \
	"{\"device\":\"18446744073709551615\",\"entries\":[],\"inode\":\"9\",\"kind\":\"" kind     \
	"\",\"path\":" path ",\"type\":\"" type "\"}"

static enum fault_code take_root(const char *root, struct plan **plan, struct fault *fault)
{
	struct json_object *bundle = fresh();

	launch_set(bundle, "policy.runtime.rootfs", "\"/srv/root\"");
	launch_set(bundle, "processPlan.root", root);
	launch_rehash(bundle);
	return take(bundle, plan, fault);
}

Test(launch_bundle, takes_a_root_of_the_policys_own)
{
	static const struct {
		const char *root;
		enum plan_root_kind kind;
		bool directory;
	} cases[] = {
		{OWN_ROOT("directory", "\"/srv/root\"", "directory"), PLAN_ROOT_DIRECTORY, true},
		{OWN_ROOT("oci", "\"/srv/root\"", "directory"), PLAN_ROOT_OCI, true},
		{OWN_ROOT("image", "\"/srv/root\"", "file"), PLAN_ROOT_IMAGE, false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct plan *plan;
		struct fault fault;

		cr_assert_eq(take_root(cases[i].root, &plan, &fault), FAULT_NONE, "%zu: %s: %s", i,
			     fault.path, fault.message);
		cr_expect_eq(plan->root.kind, cases[i].kind);
		cr_expect_str_eq(plan->root.path, "/srv/root");
		cr_expect_null(plan->root.tree);
		cr_expect_eq(plan->root.identity.device, UINT64_MAX);
		cr_expect_eq(plan->root.identity.inode, 9);
		cr_expect_eq(plan->root.identity.directory, cases[i].directory);
		cr_expect_eq(plan->entry_count, 0);
		plan_free(plan);
	}
}

Test(launch_bundle, refuses_a_root_that_is_none)
{
	static const struct {
		const char *root, *where;
	} cases[] = {
		{OWN_ROOT("directory", "\"/srv/other\"", "directory"), "processPlan.root.path"},
		{OWN_ROOT("directory", "\"/srv/../root\"", "directory"), "processPlan.root.path"},
		{OWN_ROOT("directory", "null", "directory"), "processPlan.root.path"},
		{OWN_ROOT("directory", "\"/srv/root\"", "file"), "processPlan.root.type"},
		{OWN_ROOT("image", "\"/srv/root\"", "directory"), "processPlan.root.type"},
		{OWN_ROOT("tar", "\"/srv/root\"", "file"), "processPlan.root.kind"},
		{"{\"entries\":[],\"kind\":\"directory\",\"path\":\"/srv/root\"}",
		 "processPlan.root.device"},
		{"{\"device\":\"-1\",\"entries\":[],\"inode\":\"9\",\"kind\":\"oci\",\"path\":"
		 "\"/srv/root\",\"type\":\"directory\"}",
		 "processPlan.root.device"},
		{"{\"device\":\"1\",\"entries\":[{}],\"inode\":\"9\",\"kind\":\"oci\",\"path\":"
		 "\"/srv/root\",\"type\":\"directory\"}",
		 "processPlan.root.entries"},
		{"{\"entries\":[],\"kind\":\"host\",\"path\":null}", "processPlan.root.path"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct plan *plan;
		struct fault fault;

		cr_expect_eq(take_root(cases[i].root, &plan, &fault), FAULT_RUN_LAUNCH);
		cr_expect_str_eq(fault.path, cases[i].where, "%s: %s", cases[i].root,
				 fault.message);
		plan_free(plan);
	}
}

Test(launch_bundle, names_what_it_does_not_do)
{
	static const struct {
		const char *path, *value, *where;
	} cases[] = {
		{"policy.runtime.isolation", "\"vacuum\"", "policy.runtime.isolation"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct json_object *bundle = fresh();
		struct plan *plan;
		struct fault fault;

		launch_set(bundle, cases[i].path, cases[i].value);
		launch_rehash(bundle);
		cr_expect_eq(take(bundle, &plan, &fault), FAULT_HOST_LACKS);
		cr_expect_str_eq(fault.path, cases[i].where);
		plan_free(plan);
	}
}

/* count arguments beside the command, each of len bytes. */
static enum fault_code take_args(size_t count, size_t len)
{
	struct json_object *bundle = fresh();
	struct json_object *args = array_new();
	struct json_object *list = array_new();
	char *text = malloc(len + 1);
	struct plan *plan;
	struct fault fault;
	enum fault_code code;

	memset(text, 'x', len);
	text[len] = '\0';
	array_append_string(list, "/bin/echo");
	for (size_t i = 0; i < count; i++) {
		array_append_string(args, text);
		array_append_string(list, text);
	}
	json_object_object_add(launch_get(bundle, "policy.runtime"), "args", args);
	json_object_object_add(launch_get(bundle, "processPlan"), "argv", list);
	launch_rehash(bundle);
	code = take(bundle, &plan, &fault);
	plan_free(plan);
	free(text);
	return code;
}

/* Above it, the descriptor that the strict filter leaves exec open on could be had. */
/* Plan and policy agree on them, and the hashes are right. */
Test(launch_bundle, outputs_lie_in_the_work_directory)
{
	static const struct {
		const char *outputs, *workdir;
		const char *path; /* of the first in the plan; NULL: refused */
	} cases[] = {
		{"[]", "/work", ""},
		{"[{\"maxBytes\":1,\"maxFiles\":1,\"path\":\"/work/a/b\"}]", "/work", "a/b"},
		{"[{\"maxBytes\":1,\"maxFiles\":1000000,\"path\":\"/work\"}]", "/work", "."},
		{"[{\"maxBytes\":1,\"maxFiles\":1,\"path\":\"/tmp/a\"}]", "/tmp", "a"},
		{"[{\"maxBytes\":9007199254740991,\"maxFiles\":1,\"path\":\"/work/a\"},"
		 "{\"maxBytes\":1,\"maxFiles\":1,\"path\":\"/work/ab\"}]",
		 "/work", "a"},
		{"[{\"maxBytes\":1,\"maxFiles\":1,\"path\":\"/etc/a\"}]", "/work", NULL},
		{"[{\"maxBytes\":1,\"maxFiles\":1,\"path\":\"/workshop\"}]", "/work", NULL},
		{"[{\"maxBytes\":1,\"maxFiles\":1,\"path\":\"/work/../etc\"}]", "/work", NULL},
		{"[{\"maxBytes\":1,\"maxFiles\":1,\"path\":\"a\"}]", "/work", NULL},
		{"[{\"maxBytes\":0,\"maxFiles\":1,\"path\":\"/work/a\"}]", "/work", NULL},
		{"[{\"maxBytes\":1,\"maxFiles\":0,\"path\":\"/work/a\"}]", "/work", NULL},
		{"[{\"maxBytes\":1,\"maxFiles\":1000001,\"path\":\"/work/a\"}]", "/work", NULL},
		{"[{\"maxBytes\":1,\"maxFiles\":1,\"path\":\"/work/a\",\"to\":1}]", "/work", NULL},
		{"[{\"maxBytes\":1,\"maxFiles\":1,\"path\":\"/work/a\"},"
		 "{\"maxBytes\":1,\"maxFiles\":1,\"path\":\"/work/a/b\"}]",
		 "/work", NULL},
		{"[{\"maxBytes\":1,\"maxFiles\":1,\"path\":\"/work/a\"},"
		 "{\"maxBytes\":1,\"maxFiles\":1,\"path\":\"/work\"}]",
		 "/work", NULL},
		{"{}", "/work", NULL},
		{"null", "/work", NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct json_object *bundle = fresh();
		struct plan *plan;
		struct fault fault;
		char workdir[64];
		enum fault_code code;

		(void)snprintf(workdir, sizeof workdir, "\"%s\"", cases[i].workdir);
		launch_set(bundle, "policy.outputs", cases[i].outputs);
		launch_set(bundle, "processPlan.outputs", cases[i].outputs);
		launch_set(bundle, "policy.runtime.workdir", workdir);
		launch_set(bundle, "processPlan.cwd", workdir);
		launch_rehash(bundle);
		code = take(bundle, &plan, &fault);
		cr_expect_eq(code == FAULT_NONE, cases[i].path != NULL, "%s: %s: %s",
			     cases[i].outputs, fault.path, fault.message);
		if (code == FAULT_NONE && plan->output_count > 0)
			cr_expect_str_eq(plan->outputs[0].path, cases[i].path);
		plan_free(plan);
	}
}

Test(launch_bundle, strict_needs_its_descriptor_out_of_reach)
{
	for (int limit = 4095; limit <= 4097; limit++) {
		struct json_object *bundle = fresh();
		struct plan *plan;
		struct fault fault;
		char text[16];

		(void)snprintf(text, sizeof text, "%d", limit);
		launch_set(bundle, "processPlan.limits.nofile", text);
		launch_set(bundle, "processPlan.seccomp", "\"strict\"");
		launch_set(bundle, "policy.runtime.seccomp", "\"strict\"");
		launch_rehash(bundle);
		cr_expect_eq(take(bundle, &plan, &fault) == FAULT_NONE, limit <= 4096, "%d", limit);
		plan_free(plan);
	}
}

Test(launch_bundle, caps_arguments)
{
	cr_expect_eq(take_args(PLAN_ARG_MAX - 2, 1), FAULT_NONE);
	cr_expect_eq(take_args(PLAN_ARG_MAX - 1, 1), FAULT_NONE);
	cr_expect_neq(take_args(PLAN_ARG_MAX, 1), FAULT_NONE);
	cr_expect_eq(take_args(1, PLAN_STRING_MAX - 2), FAULT_NONE);
	cr_expect_eq(take_args(1, PLAN_STRING_MAX - 1), FAULT_NONE);
	cr_expect_neq(take_args(1, PLAN_STRING_MAX), FAULT_NONE);
	/* 2 MiB of text together: 15 of these and all paths fit, 17 do not. */
	cr_expect_eq(take_args(15, PLAN_STRING_MAX - 1), FAULT_NONE);
	cr_expect_neq(take_args(17, PLAN_STRING_MAX - 1), FAULT_NONE);
}

struct mounts {
	size_t count;
	const char *target; /* with the index behind it */
	const char *source;
	const char *fact;     /* NULL: the source */
	const char *host;     /* hostAllowPrefixes; NULL: all of it */
	const char *guest;    /* guestAllowPrefixes */
	const char *writable; /* not NULL: not read_only */
};

static void add_mount(const struct mounts *wanted, size_t index, struct json_object *mounts,
		      struct json_object *facts)
{
	char text[512];

	(void)snprintf(text, sizeof text,
		       "{\"noexec\":false,\"read_only\":%s,\"source\":\"%s\",\"target\":\"%s%zu\"}",
		       wanted->writable != NULL ? "false" : "true", wanted->source, wanted->target,
		       index);
	array_append(mounts, json_tokener_parse(text));
	(void)snprintf(text, sizeof text,
		       "{\"device\":\"18446744073709551615\",\"inode\":\"%zu\","
		       "\"path\":\"%s\",\"type\":\"directory\"}",
		       index, wanted->fact != NULL ? wanted->fact : wanted->source);
	array_append(facts, json_tokener_parse(text));
}

static enum fault_code take_mounts(const struct mounts *wanted)
{
	struct json_object *bundle = fresh();
	struct json_object *mounts = array_new();
	struct json_object *facts = array_new();
	struct plan *plan;
	struct fault fault;
	enum fault_code code;

	for (size_t i = 0; i < wanted->count; i++)
		add_mount(wanted, i, mounts, facts);
	json_object_object_add(bundle, "mountPlan", json_object_get(mounts));
	json_object_object_add(launch_get(bundle, "policy"), "mounts", mounts);
	json_object_object_add(launch_get(bundle, "processPlan"), "mountFacts", facts);
	if (wanted->host != NULL)
		launch_set(bundle, "processPlan.mountAllowlist.hostAllowPrefixes", wanted->host);
	if (wanted->guest != NULL)
		launch_set(bundle, "processPlan.mountAllowlist.guestAllowPrefixes", wanted->guest);
	launch_rehash(bundle);
	code = take(bundle, &plan, &fault);
	plan_free(plan);
	return code;
}

Test(launch_bundle, caps_and_admits_mounts)
{
	static const struct {
		struct mounts mounts;
		enum fault_code code;
	} cases[] = {
		{{.count = PLAN_MOUNT_MAX - 1, .target = "/m", .source = "/srv"}, FAULT_NONE},
		{{.count = PLAN_MOUNT_MAX, .target = "/m", .source = "/srv"}, FAULT_NONE},
		{{.count = PLAN_MOUNT_MAX + 1, .target = "/m", .source = "/srv"}, FAULT_RUN_LAUNCH},
		{{.count = 1, .target = "/opt/x", .source = "/srv", .writable = "yes"},
		 FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/opt/x", .source = "/srv", .fact = "/srv/x"},
		 FAULT_RUN_LAUNCH},
		{{.count = 1, .target = "/m", .source = "/"}, FAULT_RUN_LAUNCH},
		{{.count = 1, .target = "/m", .source = "/process"}, FAULT_NONE},
		/* In no allowlist, whatever it says. */
		{{.count = 1, .target = "/m", .source = "/proc"}, FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/m", .source = "/proc/1/root"}, FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/m", .source = "/sys/fs/cgroup"}, FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/m", .source = "/dev/shm"}, FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/proc/x", .source = "/srv"}, FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/sys/x", .source = "/srv"}, FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/dev/x", .source = "/srv"}, FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/run/x", .source = "/srv"}, FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/boot/x", .source = "/srv"}, FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/etc/x", .source = "/srv"}, FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/bin/x", .source = "/srv"}, FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/sbin/x", .source = "/srv"}, FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/lib/x", .source = "/srv"}, FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/lib64/x", .source = "/srv"}, FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/usr/x", .source = "/srv"}, FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/usrx", .source = "/srv"}, FAULT_NONE},
		/* The bundle's own allowlist, by component. */
		{{.count = 1,
		  .target = "/opt/x",
		  .source = "/srv/a",
		  .host = "[\"/data\",\"/srv/a\"]"},
		 FAULT_NONE},
		{{.count = 1, .target = "/opt/x", .source = "/srv/a/b", .host = "[\"/srv/a\"]"},
		 FAULT_NONE},
		{{.count = 1, .target = "/opt/x", .source = "/srv/ab", .host = "[\"/srv/a\"]"},
		 FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/opt/x", .source = "/srv", .host = "[\"/srv/a\"]"},
		 FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/opt/x", .source = "/srv", .host = "[]"}, FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/opt/x", .source = "/srv", .guest = "[\"/opt\"]"},
		 FAULT_NONE},
		{{.count = 1, .target = "/optional/x", .source = "/srv", .guest = "[\"/opt\"]"},
		 FAULT_RUN_MOUNT},
		{{.count = 1, .target = "/opt/x", .source = "/srv", .guest = "[]"},
		 FAULT_RUN_MOUNT},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_expect_eq(take_mounts(&cases[i].mounts), cases[i].code, "%zu: %s on %s", i,
			     cases[i].mounts.source, cases[i].mounts.target);
}

Test(launch_bundle, carries_the_errors_of_earlier_stages)
{
	static const char text[] =
		"{\"cgroupPlan\":null,\"commandHash\":null,\"errors\":[{\"code\":\"SR-POL-001\","
		"\"message\":\"m\",\"path\":\"runtime.command\"}],\"evidencePlan\":null,"
		"\"firecrackerConfig\":null,\"jailerPlan\":null,\"mountPlan\":null,"
		"\"networkPlan\":null,\"policy\":null,\"policyHash\":null,\"processPlan\":null,"
		"\"schemaVersion\":\"safe-run.bundle/v1\"}";
	struct bundle bundle;
	struct plan *plan = plan_new();
	struct fault fault;

	cr_assert_eq(bundle_parse(text, sizeof text - 1, &bundle, plan, &fault), FAULT_NONE,
		     "%s: %s", fault.path, fault.message);
	cr_expect_not_null(bundle.errors);
	cr_expect_null(bundle.policy);
	bundle_release(&bundle);
	plan_free(plan);
}
