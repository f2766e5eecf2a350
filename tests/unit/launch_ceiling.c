/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/ceiling.h"

#include "stages/launch/plan.h"
#include "tests/stage/launch_bundle.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A record as sr-validate writes it, with no ceiling at all. */
static struct json_object *open_record(void)
{
	return json_tokener_parse(
		"{\"errors\":[],\"hostPolicy\":{\"callers\":null,\"isolation\":null,"
		"\"mounts\":{\"guestAllowPrefixes\":null,\"hostAllowPrefixes\":null},"
		"\"networkModes\":null,\"resources\":{\"cpu\":null,\"disk\":null,\"memory\":null,"
		"\"output\":null,\"pids\":null},\"rootfsKinds\":null,"
		"\"rootfsPrefixes\":null,\"timeoutSec\":null},"
		"\"schemaVersion\":\"safe-run.host/v1\"}");
}

/* One of 1048576 bytes of everything, 100 processes, half a CPU, 60 seconds, one mount. */
static struct plan *make_plan(void)
{
	struct plan *plan = plan_new();

	cr_assert_not_null(plan);
	plan->cgroup_limits = (struct cgroup_limits){
		.memory_set = true,
		.memory_max = 1048576,
		.pids_set = true,
		.pids_max = 100,
		.cpu_set = true,
		.cpu_quota_us = 50000,
		.cpu_period_us = 100000,
	};
	plan->disk_max = plan->output_max = 1048576;
	plan->timeout_s = 60;
	plan->mounts[0].source = "/srv/data";
	plan->mounts[0].target = "/data";
	plan->mount_count = 1;
	return plan;
}

static const gid_t groups[] = {27, 100};

static enum fault_code admit(const char *path, const char *value, struct plan *plan,
			     const char *policy_text, struct fault *fault)
{
	struct json_object *record = open_record();
	struct json_object *policy = json_tokener_parse(policy_text);
	struct ceiling_caller caller = {
		.uid = 1000, .gid = 1001, .groups = (gid_t *)groups, .group_count = COUNT(groups)};
	struct ceiling_limits limits;
	enum fault_code code;

	cr_assert_not_null(policy);
	if (path != NULL)
		launch_set(record, path, value);
	code = ceiling_parse(record, &limits, fault);
	if (code == FAULT_NONE)
		code = ceiling_admit(&limits, &caller, plan, policy, fault);
	json_object_put(record);
	json_object_put(policy);
	return code;
}

#define USUAL "{\"runtime\":{\"isolation\":\"process\"},\"network\":{\"mode\":\"none\"}}"

static const struct {
	const char *field, *value; /* below hostPolicy */
	const char *where;	   /* NULL: admitted */
} ceilings[] = {
	{"resources.memory", "1048575", "launch.host.resources.memory.max"},
	{"resources.memory", "1048576", NULL},
	{"resources.memory", "1048577", NULL},
	{"resources.memory", "0", "launch.host.resources.memory.max"},
	{"resources.pids", "99", "launch.host.resources.pids.max"},
	{"resources.pids", "100", NULL},
	{"resources.pids", "101", NULL},
	{"resources.disk", "1048575", "launch.host.resources.disk.max"},
	{"resources.disk", "1048576", NULL},
	{"resources.disk", "1048577", NULL},
	{"resources.output", "1048575", "launch.host.resources.output.max"},
	{"resources.output", "1048576", NULL},
	{"resources.output", "1048577", NULL},
	{"timeoutSec", "59", "launch.host.timeoutSec"},
	{"timeoutSec", "60", NULL},
	{"timeoutSec", "61", NULL},
	{"resources.cpu", "\"49999 100000\"", "launch.host.resources.cpu.max"},
	{"resources.cpu", "\"50000 100000\"", NULL},
	{"resources.cpu", "\"50001 100000\"", NULL},
	/* A share, whatever the period. */
	{"resources.cpu", "\"5000 10000\"", NULL},
	{"resources.cpu", "\"4999 10000\"", "launch.host.resources.cpu.max"},
	{"resources.cpu", "\"400000 1000000\"", "launch.host.resources.cpu.max"},
	{"resources.cpu", "\"8192000000 1000\"", NULL},
	{"isolation", "[\"process\"]", NULL},
	{"isolation", "[\"process\",\"microvm\"]", NULL},
	{"isolation", "[\"microvm\"]", "launch.host.isolation"},
	{"isolation", "[]", "launch.host.isolation"},
	{"networkModes", "[\"none\"]", NULL},
	{"callers", "{\"gids\":[],\"uids\":[]}", "launch.host.callers"},
	{"callers", "{\"gids\":[],\"uids\":[{\"first\":1000,\"last\":1000}]}", NULL},
	{"callers", "{\"gids\":[],\"uids\":[{\"first\":0,\"last\":999}]}", "launch.host.callers"},
	{"callers", "{\"gids\":[],\"uids\":[{\"first\":1001,\"last\":2000}]}",
	 "launch.host.callers"},
	{"callers", "{\"gids\":[],\"uids\":[{\"first\":5,\"last\":6},{\"first\":7,\"last\":1000}]}",
	 NULL},
	{"callers", "{\"gids\":[{\"first\":1001,\"last\":1001}],\"uids\":[]}", NULL},
	{"callers", "{\"gids\":[{\"first\":100,\"last\":100}],\"uids\":[]}", NULL},
	{"callers", "{\"gids\":[{\"first\":28,\"last\":99}],\"uids\":[]}", "launch.host.callers"},
	{"mounts.hostAllowPrefixes", "[\"/srv\"]", NULL},
	{"mounts.hostAllowPrefixes", "[\"/\"]", NULL},
	{"mounts.hostAllowPrefixes", "[\"/x\",\"/srv/data\"]", NULL},
	{"mounts.hostAllowPrefixes", "[\"/srv/dat\"]", "launch.host.mounts.hostAllowPrefixes"},
	{"mounts.hostAllowPrefixes", "[\"/srv/data/x\"]", "launch.host.mounts.hostAllowPrefixes"},
	{"mounts.hostAllowPrefixes", "[]", "launch.host.mounts.hostAllowPrefixes"},
	{"mounts.guestAllowPrefixes", "[\"/data\"]", NULL},
	{"mounts.guestAllowPrefixes", "[\"/dat\"]", "launch.host.mounts.guestAllowPrefixes"},
	{"mounts.guestAllowPrefixes", "[]", "launch.host.mounts.guestAllowPrefixes"},
};

Test(launch_ceiling, admits_nothing_above_it)
{
	struct plan *plan = make_plan();
	struct fault fault;

	cr_expect_eq(admit(NULL, NULL, plan, USUAL, &fault), FAULT_NONE);
	for (size_t i = 0; i < COUNT(ceilings); i++) {
		const char *where = ceilings[i].where;
		char path[64];
		enum fault_code code;

		(void)snprintf(path, sizeof path, "hostPolicy.%s", ceilings[i].field);
		code = admit(path, ceilings[i].value, plan, USUAL, &fault);
		cr_expect_eq(code, where == NULL ? FAULT_NONE : FAULT_HOST_LACKS, "%s = %s: %s",
			     path, ceilings[i].value, code == FAULT_NONE ? "" : fault.message);
		if (where != NULL && code != FAULT_NONE)
			cr_expect_str_eq(fault.path, where);
	}
	plan_free(plan);
}

/* "max" is more than any number. */
Test(launch_ceiling, no_limit_is_above_every_ceiling)
{
	static const struct {
		const char *field, *value, *where;
	} cases[] = {
		{"hostPolicy.resources.memory", "9007199254740991",
		 "launch.host.resources.memory.max"},
		{"hostPolicy.resources.pids", "4194304", "launch.host.resources.pids.max"},
		{"hostPolicy.resources.cpu", "\"8192000000 1000\"",
		 "launch.host.resources.cpu.max"},
	};
	struct plan *plan = make_plan();
	struct fault fault;

	plan->cgroup_limits = (struct cgroup_limits){.cpu_period_us = 100000};
	cr_expect_eq(admit(NULL, NULL, plan, USUAL, &fault), FAULT_NONE);
	for (size_t i = 0; i < COUNT(cases); i++) {
		cr_expect_eq(admit(cases[i].field, cases[i].value, plan, USUAL, &fault),
			     FAULT_HOST_LACKS, "%s", cases[i].field);
		cr_expect_str_eq(fault.path, cases[i].where);
	}
	plan_free(plan);
}

Test(launch_ceiling, kinds_of_isolation_and_network)
{
	static const char vm[] =
		"{\"runtime\":{\"isolation\":\"microvm\"},\"network\":{\"mode\":\"none\"}}";
	static const char net[] =
		"{\"runtime\":{\"isolation\":\"process\"},\"network\":{\"mode\":\"allowlist\"}}";
	static const char strange[] = "{\"runtime\":{\"isolation\":\"host\"}}";
	struct plan *plan = make_plan();
	struct fault fault;

	cr_expect_eq(admit("hostPolicy.isolation", "[\"process\"]", plan, vm, &fault),
		     FAULT_HOST_LACKS);
	cr_expect_eq(admit("hostPolicy.isolation", "[\"microvm\"]", plan, vm, &fault), FAULT_NONE);
	cr_expect_eq(admit("hostPolicy.isolation", "[\"process\"]", plan, strange, &fault),
		     FAULT_HOST_LACKS);
	cr_expect_eq(admit("hostPolicy.networkModes", "[\"none\"]", plan, net, &fault),
		     FAULT_HOST_LACKS);
	cr_expect_str_eq(fault.path, "launch.host.network.modes");
	cr_expect_eq(
		admit("hostPolicy.networkModes", "[\"none\",\"allowlist\"]", plan, net, &fault),
		FAULT_NONE);
	plan_free(plan);
}

static const struct {
	const char *path, *value;
} lies[] = {
	{"schemaVersion", "\"safe-run.host/v2\""},
	{"errors", "[{}]"},
	{"more", "1"},
	{"hostPolicy", "null"},
	{"hostPolicy.more", "1"},
	{"hostPolicy.callers", NULL},
	{"hostPolicy.callers", "[]"},
	{"hostPolicy.callers", "{\"uids\":[]}"},
	{"hostPolicy.callers", "{\"gids\":[{\"first\":2,\"last\":1}],\"uids\":[]}"},
	{"hostPolicy.callers", "{\"gids\":[{\"first\":-1,\"last\":1}],\"uids\":[]}"},
	{"hostPolicy.callers", "{\"gids\":[{\"first\":1}],\"uids\":[]}"},
	{"hostPolicy.isolation", NULL},
	{"hostPolicy.isolation", "[\"vm\"]"},
	{"hostPolicy.isolation", "[null]"},
	{"hostPolicy.networkModes", NULL},
	{"hostPolicy.networkModes", "[\"some\"]"},
	{"hostPolicy.rootfsPrefixes", NULL},
	{"hostPolicy.rootfsPrefixes", "[\"roots\"]"},
	{"hostPolicy.rootfsKinds", NULL},
	{"hostPolicy.rootfsKinds", "[\"tar\"]"},
	{"hostPolicy.mounts", NULL},
	{"hostPolicy.mounts", "null"},
	{"hostPolicy.mounts.more", "1"},
	{"hostPolicy.mounts.hostAllowPrefixes", NULL},
	{"hostPolicy.mounts.hostAllowPrefixes", "[\"a\"]"},
	{"hostPolicy.mounts.hostAllowPrefixes", "[\"/a/../b\"]"},
	{"hostPolicy.mounts.guestAllowPrefixes", "[null]"},
	{"hostPolicy.resources", "null"},
	{"hostPolicy.resources.more", "1"},
	{"hostPolicy.resources.cpu", NULL},
	{"hostPolicy.resources.cpu", "1"},
	{"hostPolicy.resources.cpu", "\"1000\""},
	{"hostPolicy.resources.cpu", "\"1000 0\""},
	{"hostPolicy.resources.cpu", "\"1000 100000 \""},
	{"hostPolicy.resources.cpu", "\"max 100000\""},
	{"hostPolicy.resources.memory", NULL},
	{"hostPolicy.resources.memory", "-1"},
	{"hostPolicy.resources.memory", "\"max\""},
	{"hostPolicy.resources.disk", NULL},
	{"hostPolicy.resources.output", NULL},
	{"hostPolicy.resources.pids", NULL},
	{"hostPolicy.timeoutSec", NULL},
	{"hostPolicy.timeoutSec", "\"1\""},
};

/* A ceiling that is half understood is none. */
Test(launch_ceiling, refuses_a_record_that_is_none)
{
	for (size_t i = 0; i < COUNT(lies); i++) {
		struct json_object *record = open_record();
		struct ceiling_limits limits;
		struct fault fault;

		launch_set(record, lies[i].path, lies[i].value);
		cr_expect_neq(ceiling_parse(record, &limits, &fault), FAULT_NONE, "%s = %s",
			      lies[i].path, lies[i].value);
		json_object_put(record);
	}
}

Test(launch_ceiling, rootfs_kinds_are_bits)
{
	static const struct {
		const char *value;
		unsigned bits;
	} cases[] = {
		{"null", 7},
		{"[]", 0},
		{"[\"directory\"]", 1U << CEILING_DIRECTORY},
		{"[\"image\",\"oci\"]", 1U << CEILING_IMAGE | 1U << CEILING_OCI},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct json_object *record = open_record();
		struct ceiling_limits limits;
		struct fault fault;

		launch_set(record, "hostPolicy.rootfsKinds", cases[i].value);
		cr_assert_eq(ceiling_parse(record, &limits, &fault), FAULT_NONE);
		cr_expect_eq(limits.rootfs_kinds, cases[i].bits, "%s", cases[i].value);
		json_object_put(record);
	}
}

Test(launch_ceiling, admits_kinds_and_places_of_roots)
{
	static const struct {
		enum plan_root_kind kind;
		const char *field, *value, *where;
	} cases[] = {
		{PLAN_ROOT_HOST, "rootfsKinds", "[]", NULL},
		{PLAN_ROOT_HOST, "rootfsPrefixes", "[]", NULL},
		{PLAN_ROOT_DIRECTORY, "rootfsKinds", "[\"directory\"]", NULL},
		{PLAN_ROOT_DIRECTORY, "rootfsKinds", "[\"image\",\"oci\"]",
		 "launch.host.rootfs.kinds"},
		{PLAN_ROOT_IMAGE, "rootfsKinds", "[\"image\"]", NULL},
		{PLAN_ROOT_IMAGE, "rootfsKinds", "[\"oci\"]", NULL}, /* it may be an archive */
		{PLAN_ROOT_IMAGE, "rootfsKinds", "[\"directory\"]", "launch.host.rootfs.kinds"},
		{PLAN_ROOT_OCI, "rootfsKinds", "[\"oci\"]", NULL},
		{PLAN_ROOT_OCI, "rootfsKinds", "[\"image\"]", "launch.host.rootfs.kinds"},
		{PLAN_ROOT_OCI, "rootfsPrefixes", "[\"/srv/roots\"]", NULL},
		{PLAN_ROOT_OCI, "rootfsPrefixes", "[\"/srv/root\"]",
		 "launch.host.rootfs.hostAllowPrefixes"},
		{PLAN_ROOT_DIRECTORY, "rootfsPrefixes", "[]",
		 "launch.host.rootfs.hostAllowPrefixes"},
	};
	struct plan *plan = make_plan();
	struct fault fault;

	plan->root.path = "/srv/roots/a";
	for (size_t i = 0; i < COUNT(cases); i++) {
		char path[64];

		plan->root.kind = cases[i].kind;
		(void)snprintf(path, sizeof path, "hostPolicy.%s", cases[i].field);
		cr_expect_eq(admit(path, cases[i].value, plan, USUAL, &fault),
			     cases[i].where == NULL ? FAULT_NONE : FAULT_HOST_LACKS, "%zu: %s", i,
			     cases[i].value);
		if (cases[i].where != NULL)
			cr_expect_str_eq(fault.path, cases[i].where);
	}
	plan_free(plan);
}

/* What a file is, is known only when it has been looked into. */
Test(launch_ceiling, decides_again_what_a_file_is)
{
	struct ceiling ceiling = {.present = true};
	struct fault fault;

	ceiling.limits.rootfs_kinds = 1U << CEILING_OCI;
	cr_expect_eq(ceiling_admit_rootfs(&ceiling, CEILING_OCI, &fault), FAULT_NONE);
	cr_expect_eq(ceiling_admit_rootfs(&ceiling, CEILING_IMAGE, &fault), FAULT_HOST_LACKS);
	cr_expect_str_eq(fault.path, "launch.host.rootfs.kinds");
	ceiling.present = false;
	cr_expect_eq(ceiling_admit_rootfs(&ceiling, CEILING_IMAGE, &fault), FAULT_NONE);
}

/* Whose, is for the stage's tests, in a mount namespace of their own. */
Test(launch_ceiling, files_of_root_and_no_others)
{
	static const struct {
		const char *path, *words; /* NULL: there; "": not there, and no fault */
	} cases[] = {
		{"/usr/bin/env", NULL},
		{"/nowhere/host.yaml", ""},
		{"/etc/nowhere", ""},
		{"/tmp/nowhere", ""},
		{"/usr/bin", "no regular file"},
		{"/proc/self/status", "/proc/self is no directory"},
		{"/dev/null", "no regular file"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fault fault;
		int fd = ceiling_file_open(cases[i].path, &fault);

		cr_expect_eq(fd >= 0, cases[i].words == NULL, "%s", cases[i].path);
		if (cases[i].words != NULL && cases[i].words[0] == '\0')
			cr_expect_eq(fault.code, FAULT_NONE, "%s: %s", cases[i].path,
				     fault.message);
		if (cases[i].words == NULL || cases[i].words[0] == '\0') {
			(void)close(fd);
			continue;
		}
		cr_expect_eq(fault.code, FAULT_HOST_LACKS, "%s", cases[i].path);
		cr_expect_not_null(strstr(fault.message, cases[i].words), "%s: %s", cases[i].path,
				   fault.message);
	}
}
