/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/admit.h"

#include "stages/launch/plan.h"

#include <stdio.h>
#include <string.h>

static bool inside(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return strncmp(path, directory, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static bool inside_any(const char *path, const char *const *directories, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (inside(path, directories[i]))
			return true;
	return false;
}

/*
 * Kernel interfaces are no files: a bind of /proc or /sys would hand in the host's processes and
 * cgroups, of /dev its devices, whatever the mount flags say.
 */
static enum fault_code admit_source(const struct plan_mount *mount, const char *path,
				    struct fault *fault)
{
	static const char *const kernel[] = {"/proc", "/sys", "/dev"};

	if (!inside_any(mount->resolved, kernel, sizeof kernel / sizeof kernel[0]))
		return FAULT_NONE;
	return fault_set(fault, FAULT_RUN_MOUNT, path,
			 "%.128s is an interface of the kernel and is never shared with a sandbox",
			 mount->resolved);
}

/* What the sandbox itself puts there must stay what it is. */
static enum fault_code admit_target(const struct plan *plan, const struct plan_mount *mount,
				    const char *path, struct fault *fault)
{
	static const char *const own[] = {"/proc", "/sys", "/dev", "/etc"};

	if (inside_any(mount->target, own, sizeof own / sizeof own[0]))
		return fault_set(fault, FAULT_RUN_MOUNT, path,
				 "%.128s belongs to the sandbox: choose another target",
				 mount->target);
	for (size_t i = 0; i < plan->entry_count; i++)
		if (inside(mount->target, plan->entries[i].path) ||
		    inside(plan->entries[i].path, mount->target))
			return fault_set(fault, FAULT_RUN_MOUNT, path,
					 "%.128s is part of the sandbox's read-only system: choose "
					 "another target",
					 mount->target);
	if (inside("/tmp", mount->target) && strcmp(mount->target, "/tmp") != 0)
		return fault_set(fault, FAULT_RUN_MOUNT, path, "would hide the sandbox's /tmp");
	return FAULT_NONE;
}

static enum fault_code admit_workdir(const struct plan *plan, struct fault *fault)
{
	static const char *const closed[] = {"/proc", "/sys", "/dev"};

	if (inside_any(plan->cwd, closed, sizeof closed / sizeof closed[0]))
		return fault_set(fault, FAULT_RUN_LAUNCH, "policy.runtime.workdir",
				 "%.128s is no place to work in: choose another directory",
				 plan->cwd);
	return FAULT_NONE;
}

enum fault_code admit_plan(const struct plan *plan, struct fault *fault)
{
	enum fault_code code = admit_workdir(plan, fault);
	char path[FAULT_PATH_SIZE];

	for (size_t i = 0; code == FAULT_NONE && i < plan->mount_count; i++) {
		(void)snprintf(path, sizeof path, "policy.mounts[%zu].source", i);
		code = admit_source(&plan->mounts[i], path, fault);
		if (code != FAULT_NONE)
			break;
		(void)snprintf(path, sizeof path, "policy.mounts[%zu].target", i);
		code = admit_target(plan, &plan->mounts[i], path, fault);
	}
	return code;
}
