/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/object.h"
#include "stages/compile/machine_plan.h"
#include "stages/compile/machine_words.h"
#include "stages/compile/policy.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

#define MIB ((int64_t)1 << 20)

#define VMM_MEMORY_ROOM (MACHINE_JAIL_ROOM_MIB * MIB)

static void add_setting(struct json_object *array, const char *file, const char *value)
{
	struct json_object *setting = object_new();

	object_add_string(setting, "file", file);
	object_add_string(setting, "value", value);
	array_append(array, setting);
}

static void add_number(struct json_object *array, const char *file, int64_t value)
{
	char text[sizeof("-9223372036854775808")];

	snprintf(text, sizeof(text), "%" PRId64, value);
	add_setting(array, file, text);
}

static struct json_object *make_cgroup_v1(const struct policy *policy)
{
	struct json_object *settings = array_new();

	if (policy->cpu_quota_us != POLICY_UNLIMITED) {
		/* Period first: the kernel checks a quota against the period it has. */
		add_number(settings, "cpu.cfs_period_us", policy->cpu_period_us);
		add_number(settings, "cpu.cfs_quota_us", policy->cpu_quota_us);
	}
	if (policy->memory_max != POLICY_UNLIMITED)
		add_number(settings, "memory.limit_in_bytes", policy->memory_max + VMM_MEMORY_ROOM);
	return settings;
}

static struct json_object *make_cgroup_v2(const struct policy *policy)
{
	struct json_object *settings = array_new();

	if (policy->cpu_quota_us != POLICY_UNLIMITED)
		add_setting(settings, "cpu.max", policy->cpu_max);
	if (policy->memory_max != POLICY_UNLIMITED) {
		add_number(settings, "memory.max", policy->memory_max + VMM_MEMORY_ROOM);
		add_number(settings, "memory.swap.max", 0);
	}
	return settings;
}

/* --cgroup, for whichever version the host turns out to have. */
static struct json_object *make_cgroup(const struct policy *policy)
{
	struct json_object *cgroup = object_new();

	object_add(cgroup, "v1", make_cgroup_v1(policy));
	object_add(cgroup, "v2", make_cgroup_v2(policy));
	return cgroup;
}

/* --resource-limit: the jailer knows fsize and no-file. */
static struct json_object *make_resource_limit(const struct policy *policy)
{
	struct json_object *limit = object_new();

	object_add_integer(limit, "fsize", policy->disk_max);
	object_add_integer(limit, "no-file", MACHINE_JAIL_FILES);
	return limit;
}

struct json_object *machine_plan_jailer(const struct policy *policy)
{
	struct json_object *plan = object_new();

	object_add(plan, "cgroup", make_cgroup(policy));
	object_add_null(plan, "cgroupVersion");
	object_add_string(plan, "chrootBaseDir", MACHINE_JAIL_BASE);
	object_add_string(plan, "execFile", MACHINE_JAIL_EXEC);
	object_add_null(plan, "gid");
	object_add_null(plan, "id");
	object_add_null(plan, "netns");
	object_add_bool(plan, "newPidNs", true);
	object_add_string(plan, "parentCgroup", MACHINE_JAIL_CGROUP);
	object_add(plan, "resourceLimit", make_resource_limit(policy));
	object_add_null(plan, "uid");
	return plan;
}
