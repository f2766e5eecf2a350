/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/event.h"
#include "ipc/object.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/launch.h"
#include "stages/launch/machine_part.h"
#include "stages/launch/machine_volume.h"
#include "stages/launch/mount.h"
#include "stages/launch/store.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE FAULT_RUN_MOUNT
#define PATH "launch.machine.mount"

/* The policy's mounts on their way to devices of the guest's. */
struct sources {
	struct launch *launch;
	struct machine_tree trees[PLAN_MOUNT_MAX]; /* in their order */
	size_t count;
};

/* As init does for a bind mount: the very file that was validated, and still at its place. */
static enum fault_code open_source(const struct plan_mount *mount, const char *path, int *fd,
				   struct fault *fault)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	char name[PLAN_PATH_MAX];
	struct plan_identity identity;

	*fd = (int)syscall(SYS_openat2, AT_FDCWD, mount->source, &how, sizeof how);
	if (*fd < 0)
		return fault_set_errno(fault, CODE, errno, path, "cannot open %s%s", mount->source,
				       errno == ELOOP ? ", in which a symbolic link has appeared "
							"since it was validated"
						      : "");
	if (mount_identify(*fd, &identity) < 0 || !mount_same(&identity, &mount->identity))
		return fault_set(fault, CODE, path,
				 "%s is another file than the one that was validated",
				 mount->source);
	if (mount_name(-1, *fd, name, sizeof name) == 0 && strcmp(name, mount->source) == 0)
		return FAULT_NONE;
	return fault_set(fault, CODE, path, "%s has moved since it was validated", mount->source);
}

/* mount.validated or mount.rejected. */
static enum fault_code tell(struct launch *launch, size_t index, const struct fault *why,
			    struct fault *fault)
{
	const struct plan_mount *mount = &launch->plan->mounts[index];
	struct json_object *payload;

	if (launch_announce(launch, fault) != FAULT_NONE)
		return fault->code;
	payload = object_new();
	object_add_integer(payload, "index", (int64_t)index);
	if (why != NULL)
		object_add_string(payload, "reason", why->message);
	object_add_string(payload, "source", mount->source);
	object_add_string(payload, "target", mount->target);
	return event_emit(&launch->events,
			  why != NULL ? EVENT_MOUNT_REJECTED : EVENT_MOUNT_VALIDATED,
			  EVENT_BY_LAUNCHER, payload, fault);
}

static void name_mount(char path[FAULT_PATH_SIZE], size_t index)
{
	(void)snprintf(path, FAULT_PATH_SIZE, "launch.mount[%zu]", index);
}

/* A fault becomes mount.rejected; where that cannot be told either, the first one stays. */
static enum fault_code reject(struct launch *launch, size_t index, const struct fault *why)
{
	struct fault ignored;

	(void)!tell(launch, index, why, &ignored);
	return why->code;
}

static enum fault_code open_sources(struct sources *sources, struct fault *fault)
{
	const struct plan *plan = sources->launch->plan;
	char path[FAULT_PATH_SIZE];

	for (size_t i = 0; i < sources->launch->machine->job.mount_count; i++) {
		sources->trees[i].name = plan->mounts[i].source;
		sources->trees[i].fd = -1;
		sources->count++;
		name_mount(path, i);
		if (open_source(&plan->mounts[i], path, &sources->trees[i].fd, fault) != FAULT_NONE)
			return reject(sources->launch, i, fault);
	}
	return FAULT_NONE;
}

/* One device for the mounts from first on. */
static enum fault_code add_volume(struct sources *sources, size_t first, size_t count,
				  struct fault *fault)
{
	struct launch *launch = sources->launch;
	struct machine *machine = launch->machine;
	struct machine_file *file = &machine->volumes[machine->volume_count];
	char path[FAULT_PATH_SIZE], name[32];
	struct machine_volume volume = {
		.trees = &sources->trees[first], .tree_count = count, .path = path};
	enum fault_code code;

	name_mount(path, first);
	code = machine_volume(launch, &volume, file, fault);
	object_release(&volume.record);
	if (code != FAULT_NONE)
		return reject(launch, first + volume.tree_at_fault, fault);
	for (size_t i = 0; code == FAULT_NONE && i < count; i++) {
		struct machine_mount *mount = &machine->mounts[first + i];

		mount->volume = machine->volume_count;
		(void)snprintf(mount->part, sizeof mount->part, "%02u", (unsigned)i % 100);
		code = tell(launch, first + i, NULL, fault);
	}
	(void)snprintf(name, sizeof name, "volume%zu", machine->volume_count++);
	return code == FAULT_NONE ? machine_add_file(launch->plan, file, name, fault) : code;
}

/* Each mount has a device, and so an image that another run finds again; the last has the rest. */
static enum fault_code add_volumes(struct sources *sources, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;
	size_t count;

	for (size_t i = 0; code == FAULT_NONE && i < sources->count; i += count) {
		bool last = i + 1 == MACHINE_VOLUME_MAX;

		count = last ? sources->count - i : 1;
		code = add_volume(sources, i, count, fault);
	}
	return code;
}

enum fault_code machine_mounts(struct launch *launch, struct fault *fault)
{
	struct sources sources = {.launch = launch};
	enum fault_code code = FAULT_NONE;

	if (launch->machine->job.mount_count > 0)
		code = store_check(launch->store_fd, fault);
	if (code == FAULT_NONE)
		code = open_sources(&sources, fault);
	if (code == FAULT_NONE)
		code = add_volumes(&sources, fault);
	for (size_t i = 0; i < sources.count; i++)
		descriptor_close(&sources.trees[i].fd);
	return code;
}

/* The guest runs, and it begins with its mounts: their devices are read-only from outside. */
enum fault_code machine_mounts_applied(struct launch *launch, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	for (size_t i = 0; code == FAULT_NONE && i < launch->machine->job.mount_count; i++) {
		const struct plan_mount *mount = &launch->plan->mounts[i];
		struct json_object *payload = object_new();

		object_add_integer(payload, "index", (int64_t)i);
		object_add_string(payload, "source", mount->source);
		object_add_string(payload, "target", mount->target);
		code = event_emit(&launch->events, EVENT_MOUNT_APPLIED, EVENT_BY_GUEST, payload,
				  fault);
	}
	return code;
}
