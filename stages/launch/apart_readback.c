/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/apart_readback.h"

#include "ipc/object.h"
#include "stages/launch/apart.h"
#include "stages/launch/enforcement.h"
#include "stages/launch/plan.h"
#include "stages/validate/path.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH   "launch.readback.locks"
#define CLAUSE "files.locks"
#define OWN    "inodes of the run's own"

enum fault_code apart_readback_host(const struct plan *plan, struct mount_table *host,
				    struct fault *fault)
{
	int proc_fd, result, error_number;

	*host = (struct mount_table){.text = NULL};
	if (!apart_wanted(plan))
		return FAULT_NONE;
	proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	result = proc_fd < 0 ? -1 : mount_table_read(host, proc_fd);
	error_number = errno;
	(void)close(proc_fd);
	if (result == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_RUN_LAUNCH, error_number, PATH,
			       "cannot learn what is mounted on this host");
}

void apart_readback_start(struct apart_readback *readback, const struct plan *plan,
			  const struct mount_table *host)
{
	*readback = (struct apart_readback){.plan = plan, .host = host};
}

static bool is_host(const struct apart_readback *readback, const struct mountinfo *mount)
{
	for (size_t i = 0; i < readback->host->count; i++)
		if (strcmp(readback->host->mounts[i].device, mount->device) == 0)
			return true;
	return false;
}

bool apart_readback_own(const struct apart_readback *readback, const struct mountinfo *mount)
{
	return apart_wanted(readback->plan) && !is_host(readback, mount);
}

void apart_readback_mount(struct apart_readback *readback, const struct mountinfo *mount)
{
	if (!apart_wanted(readback->plan))
		return;
	readback->mounts++;
	if (strcmp(mount->type, "overlay") == 0)
		readback->overlays++;
	if (!is_host(readback, mount))
		return;
	if (path_below(mount->point, "/dev"))
		readback->host_devices++;
	else if (readback->foreign[0] == '\0')
		(void)snprintf(readback->foreign, sizeof readback->foreign, "%s", mount->point);
}

static void add_clause(const struct apart_readback *readback, struct json_object *shared,
		       struct json_object *enforcement)
{
	struct json_object *reason = NULL, *evidence;

	if (shared != NULL &&
	    json_object_object_get_ex(json_object_array_get_idx(shared, 0), "reason", &reason)) {
		enforcement_add_missing(enforcement, CLAUSE, "overlay mounts",
					json_object_get_string(reason));
		return;
	}
	evidence = object_new();
	object_add_integer(evidence, "hostDevices", (int64_t)readback->host_devices);
	object_add_integer(evidence, "hostMounts", 0);
	object_add_integer(evidence, "mounts", (int64_t)readback->mounts);
	object_add_integer(evidence, "overlays", (int64_t)readback->overlays);
	enforcement_add_text(enforcement, CLAUSE, "overlay mounts", OWN, OWN, evidence);
}

enum fault_code apart_readback_end(struct apart_readback *readback, struct json_object *shared,
				   struct json_object *enforcement, struct fault *fault)
{
	bool listed = readback->plan->best_effort && json_object_is_type(shared, json_type_array) &&
		      json_object_array_length(shared) > 0;

	if (readback->foreign[0] != '\0' && !listed)
		return fault_set(fault, FAULT_RUN_LAUNCH, PATH,
				 "%s is a file system the host has mounted: the run is refused",
				 readback->foreign);
	if (apart_wanted(readback->plan))
		add_clause(readback, listed ? shared : NULL, enforcement);
	else if (!readback->plan->machine.wanted)
		enforcement_add_text(enforcement, CLAUSE, "seccomp filter",
				     "no locks and no watches", "no locks and no watches",
				     object_new());
	return FAULT_NONE;
}
