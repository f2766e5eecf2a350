/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/share.h"

#include "ipc/object.h"
#include "stages/launch/channel.h"
#include "stages/launch/mount.h"
#include "stages/launch/plan.h"
#include "stages/launch/root.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define CODE FAULT_RUN_MOUNT

static void tell(int report_fd, size_t index, const char *state, const char *reason)
{
	struct json_object *message OBJECT_CLEANUP = object_new();

	object_add_string(message, "type", "mount");
	object_add_integer(message, "index", (int64_t)index);
	object_add_string(message, "state", state);
	if (reason != NULL)
		object_add_escaped(message, "reason", reason, strlen(reason));
	/* A launcher that is gone takes us with it; the next step finds out. */
	if (channel_report(report_fd, message) < 0)
		return;
}

static enum fault_code open_source(const struct plan_mount *mount, const char *path, int *fd,
				   struct fault *fault)
{
	struct plan_identity identity;

	*fd = mount_open(mount->resolved);
	if (*fd < 0 && errno == ELOOP)
		return fault_set(fault, CODE, path,
				 "a symbolic link has appeared in %s since it was validated",
				 mount->resolved);
	if (*fd < 0)
		return fault_set_errno(fault, CODE, errno, path, "cannot open %s", mount->resolved);
	if (mount_identify(*fd, &identity) < 0)
		return fault_set_errno(fault, CODE, errno, path,
				       "%s is neither a directory nor a regular file",
				       mount->resolved);
	if (!mount_same(&identity, &mount->identity))
		return fault_set(fault, CODE, path,
				 "%s is another file than the one that was validated",
				 mount->resolved);
	return FAULT_NONE;
}

static enum fault_code place_source(const struct root *root, const struct plan_mount *mount,
				    int source_fd, const char *path, struct fault *fault)
{
	uint64_t attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	int mount_fd, place, result, error_number;

	if (mount->read_only)
		attributes |= MOUNT_ATTR_RDONLY;
	mount_fd = mount_copy(source_fd, attributes);
	place = mount_fd < 0 ? -1 : root_place(root, mount->target, mount->identity.directory);
	result = place < 0 ? -1 : mount_place(mount_fd, place);
	error_number = errno;
	(void)close(mount_fd);
	(void)close(place);
	if (result == 0)
		return FAULT_NONE;
	if (mount_fd >= 0 && error_number == EROFS)
		return fault_set(
			fault, CODE, path,
			"the target %s does not exist below another mount, and is not made "
			"there: that would be on the host. Make it, or choose another target",
			mount->target);
	return fault_set_errno(fault, CODE, error_number, path, "cannot mount %s on %s",
			       mount->resolved, mount->target);
}

static enum fault_code share_mount(const struct root *root, const struct plan_mount *mount,
				   size_t index, int report_fd, struct fault *fault)
{
	char path[64];
	int fd = -1;
	enum fault_code code;

	(void)snprintf(path, sizeof path, "launch.mount[%zu]", index);
	code = open_source(mount, path, &fd, fault);
	if (code == FAULT_NONE) {
		tell(report_fd, index, "validated", NULL);
		code = place_source(root, mount, fd, path, fault);
	}
	(void)close(fd);
	if (code == FAULT_NONE)
		tell(report_fd, index, "applied", NULL);
	else
		tell(report_fd, index, "rejected", fault->message);
	return code;
}

enum fault_code share_mounts(const struct root *root, const struct plan *plan, int report_fd,
			     struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	for (size_t i = 0; code == FAULT_NONE && i < plan->mount_count; i++)
		code = share_mount(root, &plan->mounts[i], i, report_fd, fault);
	return code;
}
