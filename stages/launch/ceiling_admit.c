/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/admit.h"
#include "stages/launch/bundle_process.h"
#include "stages/launch/ceiling.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define CODE FAULT_HOST_LACKS
#define PATH "launch.host"
#define SAYS "this host (" CEILING_FILE ") allows "

static bool has_id(const struct ceiling_ids *ids, uint64_t id)
{
	for (size_t i = 0; i < ids->count; i++)
		if (id >= ids->items[i].first && id <= ids->items[i].last)
			return true;
	return false;
}

static enum fault_code admit_caller(const struct ceiling_limits *limits,
				    const struct ceiling_caller *caller, struct fault *fault)
{
	if (!limits->callers_set || has_id(&limits->uids, caller->uid) ||
	    has_id(&limits->gids, caller->gid))
		return FAULT_NONE;
	for (size_t i = 0; i < caller->group_count; i++)
		if (has_id(&limits->gids, caller->groups[i]))
			return FAULT_NONE;
	return fault_set(fault, CODE, PATH ".callers",
			 "user %u (group %u) is not among those who may run something here: root "
			 "can add the number to callers in " CEILING_FILE,
			 caller->uid, caller->gid);
}

static enum fault_code admit_number(const char *field, uint64_t asked, uint64_t allowed,
				    struct fault *fault)
{
	char path[FAULT_PATH_SIZE];

	if (asked <= allowed)
		return FAULT_NONE;
	(void)snprintf(path, sizeof path, PATH ".%s", field);
	if (asked == CEILING_NONE)
		return fault_set(fault, CODE, path,
				 "the policy asks for no limit (max), " SAYS "%" PRIu64
				 " at most: ask for that or less",
				 allowed);
	return fault_set(fault, CODE, path,
			 "the policy asks for %" PRIu64 ", " SAYS "%" PRIu64
			 " at most: ask for that or less",
			 asked, allowed);
}

/* Shares of CPUs, not quotas: 50000 of 100000 is as much as 5000 of 10000. */
static enum fault_code admit_cpu(const struct ceiling_limits *limits,
				 const struct cgroup_limits *asked, struct fault *fault)
{
	if (limits->cpu_quota_us == CEILING_NONE)
		return FAULT_NONE;
	if (!asked->cpu_set)
		return fault_set(fault, CODE, PATH ".resources.cpu.max",
				 "the policy asks for all CPUs (max), " SAYS "%" PRIu64
				 " of %" PRIu64 " us at most: ask for that or less",
				 limits->cpu_quota_us, limits->cpu_period_us);
	if ((unsigned __int128)asked->cpu_quota_us * limits->cpu_period_us <=
	    (unsigned __int128)limits->cpu_quota_us * asked->cpu_period_us)
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH ".resources.cpu.max",
			 "the policy asks for %" PRIu64 " of %" PRIu64 " us, " SAYS "%" PRIu64
			 " of %" PRIu64 " us at most: ask for that or less",
			 asked->cpu_quota_us, asked->cpu_period_us, limits->cpu_quota_us,
			 limits->cpu_period_us);
}

static enum fault_code admit_numbers(const struct ceiling_limits *limits, const struct plan *plan,
				     struct fault *fault)
{
	const struct cgroup_limits *asked = &plan->cgroup_limits;
	const struct {
		const char *field;
		uint64_t asked, allowed;
	} numbers[] = {
		{"resources.memory.max", asked->memory_set ? asked->memory_max : CEILING_NONE,
		 limits->memory},
		{"resources.pids.max", asked->pids_set ? asked->pids_max : CEILING_NONE,
		 limits->pids},
		{"resources.disk.max", plan->disk_max, limits->disk},
		{"resources.output.max", plan->output_max, limits->output},
		{"timeoutSec", plan->timeout_s, limits->timeout_s},
	};
	enum fault_code code = admit_cpu(limits, asked, fault);

	for (size_t i = 0; code == FAULT_NONE && i < sizeof numbers / sizeof *numbers; i++)
		code = admit_number(numbers[i].field, numbers[i].asked, numbers[i].allowed, fault);
	return code;
}

static enum fault_code admit_place(const char *field, const struct plan_prefixes *prefixes,
				   const char *what, const char *path, struct fault *fault)
{
	char fault_path[FAULT_PATH_SIZE], words[200] = "nothing";
	size_t used = 0;

	if (admit_covers(prefixes, path))
		return FAULT_NONE;
	for (size_t i = 0; i < prefixes->count && used < sizeof words; i++)
		used += (size_t)snprintf(words + used, sizeof words - used, "%s%s",
					 i > 0 ? ", " : "", prefixes->paths[i]);
	(void)snprintf(fault_path, sizeof fault_path, PATH ".%s", field);
	return fault_set(fault, CODE, fault_path,
			 "%s is %.128s, " SAYS "%s: choose a place in there", what, path, words);
}

static enum fault_code admit_mounts(const struct ceiling_limits *limits, const struct plan *plan,
				    struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	for (size_t i = 0; code == FAULT_NONE && i < plan->mount_count; i++) {
		const struct plan_mount *mount = &plan->mounts[i];
		char what[40];

		(void)snprintf(what, sizeof what, "mounts[%zu].source", i);
		if (limits->host_set)
			code = admit_place("mounts.hostAllowPrefixes", &limits->host, what,
					   mount->source, fault);
		(void)snprintf(what, sizeof what, "mounts[%zu].target", i);
		if (code == FAULT_NONE && limits->guest_set)
			code = admit_place("mounts.guestAllowPrefixes", &limits->guest, what,
					   mount->target, fault);
	}
	return code;
}

static enum fault_code refuse_rootfs(const char *kind, struct fault *fault)
{
	return fault_set(fault, CODE, PATH ".rootfs.kinds",
			 "runtime.rootfs is of the kind %s, which this host (" CEILING_FILE
			 ") does not allow: name a root of another kind, or none",
			 kind);
}

enum fault_code ceiling_admit_rootfs(const struct ceiling *ceiling, enum ceiling_rootfs kind,
				     struct fault *fault)
{
	static const char *const names[CEILING_ROOTFS_COUNT] = {"directory", "image", "oci"};

	if (!ceiling->present || (ceiling->limits.rootfs_kinds & (1U << kind)) != 0)
		return FAULT_NONE;
	return refuse_rootfs(names[kind], fault);
}

/* A file may turn out to be an archive of layers: what it is then decides again. */
static enum fault_code admit_root(const struct ceiling_limits *limits, const struct plan *plan,
				  struct fault *fault)
{
	static const struct {
		const char *name;
		unsigned bits;
	} kinds[] = {
		[PLAN_ROOT_DIRECTORY] = {"directory", 1U << CEILING_DIRECTORY},
		[PLAN_ROOT_IMAGE] = {"image", 1U << CEILING_IMAGE | 1U << CEILING_OCI},
		[PLAN_ROOT_OCI] = {"oci", 1U << CEILING_OCI},
	};

	if (plan->root.kind == PLAN_ROOT_HOST)
		return FAULT_NONE;
	if ((limits->rootfs_kinds & kinds[plan->root.kind].bits) == 0)
		return refuse_rootfs(kinds[plan->root.kind].name, fault);
	return limits->rootfs_set ? admit_place("rootfs.hostAllowPrefixes", &limits->rootfs,
						"runtime.rootfs", plan->root.path, fault)
				  : FAULT_NONE;
}

static const char *text_of(struct json_object *policy, const char *group, const char *name)
{
	struct json_object *value = bundle_member(bundle_member(policy, group), name);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

/* What is no word of ours is refused as if it were the most there is. */
static enum fault_code admit_word(const char *field, const char *asked, unsigned allowed,
				  const char *least, const char *most, struct fault *fault)
{
	const bool is_least = strcmp(asked, least) == 0;
	char path[FAULT_PATH_SIZE];

	if ((allowed & (is_least ? 1U : 2U)) != 0)
		return FAULT_NONE;
	(void)snprintf(path, sizeof path, PATH ".%s", field);
	return fault_set(fault, CODE, path, "the policy asks for %.32s, " SAYS "%s alone", asked,
			 allowed == 0 ? "nothing"
			 : is_least   ? most
				      : least);
}

enum fault_code ceiling_admit(const struct ceiling_limits *limits,
			      const struct ceiling_caller *caller, const struct plan *plan,
			      struct json_object *policy, struct fault *fault)
{
	enum fault_code code = admit_caller(limits, caller, fault);

	_Static_assert(CEILING_PROCESS == 0 && CEILING_NETWORK_NONE == 0 &&
			       CEILING_ISOLATION_COUNT == 2 && CEILING_NETWORK_COUNT == 2,
		       "admit_word knows two words");
	if (code == FAULT_NONE)
		code = admit_word("isolation", text_of(policy, "runtime", "isolation"),
				  limits->isolations, "process", "microvm", fault);
	if (code == FAULT_NONE)
		code = admit_word("network.modes", text_of(policy, "network", "mode"),
				  limits->networks, "none", "allowlist", fault);
	if (code == FAULT_NONE)
		code = admit_numbers(limits, plan, fault);
	if (code == FAULT_NONE)
		code = admit_root(limits, plan, fault);
	return code == FAULT_NONE ? admit_mounts(limits, plan, fault) : code;
}
