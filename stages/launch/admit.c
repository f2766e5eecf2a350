/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/admit.h"

#include "stages/launch/plan.h"
#include "stages/validate/path.h"

#include <stdio.h>

#define CODE FAULT_RUN_MOUNT

bool admit_covers(const struct plan_prefixes *prefixes, const char *path)
{
	for (size_t i = 0; i < prefixes->count; i++)
		if (path_below(path, prefixes->paths[i]))
			return true;
	return false;
}

/*
 * Kernel interfaces are no files: a bind of /proc or /sys would hand in the host's processes and
 * cgroups, of /dev its devices, whatever the mount flags say. No allowlist opens them.
 */
static enum fault_code admit_source(const struct plan *plan, const char *source, const char *path,
				    struct fault *fault)
{
	if (path_denied_host(source) != NULL)
		return fault_set(
			fault, CODE, path,
			"%.128s is an interface of the kernel and is never shared with a sandbox",
			source);
	if (admit_covers(&plan->host_prefixes, source))
		return FAULT_NONE;
	return fault_set(fault, CODE, path, "%.128s is outside the bundle's own mount allowlist",
			 source);
}

/* What the sandbox itself puts there must stay what it is. */
static enum fault_code admit_target(const struct plan *plan, const char *target, const char *path,
				    struct fault *fault)
{
	if (path_denied_inside(target) != NULL)
		return fault_set(fault, CODE, path,
				 "%.128s belongs to the sandbox: choose another target", target);
	if (admit_covers(&plan->guest_prefixes, target))
		return FAULT_NONE;
	return fault_set(fault, CODE, path, "%.128s is outside the bundle's own mount allowlist",
			 target);
}

static enum fault_code admit_mount(const struct plan *plan, size_t index, struct fault *fault)
{
	const struct plan_mount *mount = &plan->mounts[index];
	char path[FAULT_PATH_SIZE];
	enum fault_code code;

	(void)snprintf(path, sizeof path, "policy.mounts[%zu].read_only", index);
	if (!mount->read_only)
		return fault_set(fault, CODE, path, "a mount is read-only, always");
	(void)snprintf(path, sizeof path, "policy.mounts[%zu].source", index);
	code = admit_source(plan, mount->source, path, fault);
	(void)snprintf(path, sizeof path, "policy.mounts[%zu].target", index);
	return code == FAULT_NONE ? admit_target(plan, mount->target, path, fault) : code;
}

static enum fault_code admit_workdir(const struct plan *plan, struct fault *fault)
{
	if (path_denied_host(plan->cwd) == NULL)
		return FAULT_NONE;
	return fault_set(fault, FAULT_RUN_LAUNCH, "policy.runtime.workdir",
			 "%.128s is no place to work in: choose another directory", plan->cwd);
}

enum fault_code admit_plan(const struct plan *plan, struct fault *fault)
{
	enum fault_code code = admit_workdir(plan, fault);

	for (size_t i = 0; code == FAULT_NONE && i < plan->mount_count; i++)
		code = admit_mount(plan, i, fault);
	return code;
}
