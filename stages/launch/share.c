/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/share.h"

#include "ipc/object.h"
#include "stages/launch/apart.h"
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

/* All the mounts while they are made. */
struct share {
	struct apart *apart;
	const struct root *root;
	const struct plan *plan;
	int report_fd;
	int proc_fd;
	int source_fds[PLAN_MOUNT_MAX];
};

static void tell(const struct share *share, size_t index, const char *state, const char *reason)
{
	struct json_object *message OBJECT_CLEANUP = object_new();

	object_add_string(message, "type", "mount");
	object_add_integer(message, "index", (int64_t)index);
	object_add_string(message, "state", state);
	if (reason != NULL)
		object_add_escaped(message, "reason", reason, strlen(reason));
	/* A launcher that is gone takes us with it; the next step finds out. */
	if (channel_report(share->report_fd, message) < 0)
		return;
}

/*
 * What is open, is it still where the validation found it? Device and inode alone would let it be
 * moved out of all prefixes in between.
 */
static enum fault_code check_place(const struct share *share, const struct plan_mount *mount,
				   int source_fd, const char *path, struct fault *fault)
{
	char name[PLAN_PATH_MAX];

	if (mount_name(share->proc_fd, source_fd, name, sizeof name) < 0)
		return fault_set_errno(fault, CODE, errno, path, "cannot learn where %s is now",
				       mount->source);
	if (strcmp(name, mount->source) == 0)
		return FAULT_NONE;
	return fault_set(fault, CODE, path, "%s has moved to %s since it was validated",
			 mount->source, name);
}

static enum fault_code open_source(struct share *share, size_t index, const char *path,
				   struct fault *fault)
{
	const struct plan_mount *mount = &share->plan->mounts[index];
	struct plan_identity identity;
	int fd = mount_open(mount->source);

	share->source_fds[index] = fd;
	if (fd < 0 && errno == ELOOP)
		return fault_set(fault, CODE, path,
				 "a symbolic link has appeared in %s since it was validated",
				 mount->source);
	if (fd < 0)
		return fault_set_errno(fault, CODE, errno, path, "cannot open %s", mount->source);
	if (mount_identify(fd, &identity) < 0)
		return fault_set_errno(fault, CODE, errno, path,
				       "%s is neither a directory nor a regular file",
				       mount->source);
	if (!mount_same(&identity, &mount->identity))
		return fault_set(fault, CODE, path,
				 "%s is another file than the one that was validated",
				 mount->source);
	return check_place(share, mount, fd, path, fault);
}

/* Each gets its answer, so that all that has changed is known at once; the first is the run's. */
static enum fault_code open_sources(struct share *share, struct fault *fault)
{
	enum fault_code first = FAULT_NONE;
	struct fault found;
	char path[sizeof("launch.mount[]") + 20];

	for (size_t i = 0; i < share->plan->mount_count; i++) {
		enum fault_code code;

		(void)snprintf(path, sizeof path, "launch.mount[%zu]", i);
		code = open_source(share, i, path, &found);
		tell(share, i, code == FAULT_NONE ? "validated" : "rejected",
		     code == FAULT_NONE ? NULL : found.message);
		if (first != FAULT_NONE || code == FAULT_NONE)
			continue;
		first = code;
		*fault = found;
	}
	return first;
}

static enum fault_code open_place(const struct share *share, const struct plan_mount *mount,
				  const char *path, int *place_fd, struct fault *fault)
{
	*place_fd = root_place(share->root, mount->target, mount->identity.directory);
	if (*place_fd >= 0)
		return FAULT_NONE;
	if (errno == EROFS)
		return fault_set(
			fault, CODE, path,
			"the target %s does not exist below another mount, and is not made "
			"there: that would be on the host. Make it, or choose another target",
			mount->target);
	return fault_set_errno(fault, CODE, errno, path, "cannot mount %s on %s", mount->source,
			       mount->target);
}

static enum fault_code apply(const struct share *share, size_t index, struct fault *fault)
{
	const struct plan_mount *mount = &share->plan->mounts[index];
	char path[sizeof("launch.mount[]") + 20];
	const struct apart_source source = {
		.fd = share->source_fds[index],
		.path = mount->source,
		.field = path,
		.code = CODE,
		.inode = mount->identity.inode,
		.attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			      (mount->noexec ? MOUNT_ATTR_NOEXEC : 0U),
		.directory = mount->identity.directory,
	};
	int place_fd = -1;
	enum fault_code code;

	(void)snprintf(path, sizeof path, "launch.mount[%zu]", index);
	code = open_place(share, mount, path, &place_fd, fault);
	if (code == FAULT_NONE)
		code = apart_place(share->apart, &source, place_fd, fault);
	(void)close(place_fd);
	return code;
}

/*
 * Safe: whatever this takes away is a mount of the namespace that is ours alone, and the run is
 * refused.
 */
static void take_back(const struct share *share, size_t index, size_t cause)
{
	const char *target = share->plan->mounts[index].target;
	char reason[160];
	int result = fchdir(share->root->fd);

	if (result == 0)
		result = umount2(target + 1, MNT_DETACH | UMOUNT_NOFOLLOW);
	if (result == 0)
		(void)snprintf(reason, sizeof reason,
			       "taken back, because mounts[%zu] could not be mounted", cause);
	else
		(void)snprintf(reason, sizeof reason,
			       "mounts[%zu] could not be mounted, and this one not be taken back "
			       "(%s): it ends with the namespace",
			       cause, strerror(errno));
	tell(share, index, "rejected", reason);
}

static enum fault_code apply_all(const struct share *share, struct fault *fault)
{
	for (size_t i = 0; i < share->plan->mount_count; i++) {
		if (apply(share, i, fault) == FAULT_NONE) {
			tell(share, i, "applied", NULL);
			continue;
		}
		tell(share, i, "rejected", fault->message);
		for (size_t done = i; done > 0; done--)
			take_back(share, done - 1, i);
		return fault->code;
	}
	return FAULT_NONE;
}

enum fault_code share_mounts(struct apart *apart, int report_fd, struct fault *fault)
{
	const struct root *root = apart->root;
	const struct plan *plan = apart->plan;
	struct share share = {.apart = apart, .root = root, .plan = plan, .report_fd = report_fd};
	enum fault_code code;

	if (plan->mount_count == 0)
		return FAULT_NONE;
	share.proc_fd = mount_open_proc(root->fd);
	if (share.proc_fd < 0)
		return fault_set_errno(fault, CODE, errno, "launch.mount",
				       "the sandbox's own /proc, which tells where a file is, "
				       "cannot be opened");
	memset(share.source_fds, -1, sizeof share.source_fds);
	code = open_sources(&share, fault);
	if (code == FAULT_NONE)
		code = apply_all(&share, fault);
	for (size_t i = 0; i < plan->mount_count; i++)
		if (share.source_fds[i] >= 0)
			(void)close(share.source_fds[i]);
	(void)close(share.proc_fd);
	return code;
}
