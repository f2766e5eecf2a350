/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/object.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/launch.h"
#include "stages/launch/machine_hold.h"
#include "stages/launch/machine_part.h"
#include "stages/launch/machine_volume.h"
#include "stages/launch/mount.h"
#include "stages/launch/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "policy.runtime.rootfs"

struct json_object *machine_describe_file(const struct machine_file *file)
{
	struct json_object *object = object_new();

	object_add_integer(object, "bytes", file->bytes);
	object_add_decimal(object, "device", file->identity.device);
	object_add_string(object, "hash", file->hash);
	object_add_decimal(object, "inode", file->identity.inode);
	object_add_string(object, "path", file->source);
	return object;
}

/* The hash is the tree's, as in process isolation; the image made of it stands beside it. */
static enum fault_code from_tree(struct launch *launch, int tree_fd, struct json_object **record,
				 struct fault *fault)
{
	const struct machine_tree tree = {.fd = tree_fd, .name = launch->plan->root.path};
	struct machine_volume volume = {
		.trees = &tree, .tree_count = 1, .root = true, .path = PATH};
	enum fault_code code = machine_volume(launch, &volume, &launch->machine->rootfs, fault);

	*record = volume.record;
	return code;
}

static void add_volume(struct launch *launch)
{
	struct json_object *volume = machine_describe_file(&launch->machine->rootfs);

	object_add_string(volume, "format", launch->machine->rootfs.format);
	object_add(launch->root_identity, "volume", volume);
}

static enum fault_code from_directory(struct launch *launch, int source_fd, struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	enum fault_code code = from_tree(launch, source_fd, &record, fault);

	if (code != FAULT_NONE)
		return code;
	launch->root_identity = rootfs_describe(launch->plan, "directory");
	rootfs_add_manifest(launch->root_identity, record);
	add_volume(launch);
	return FAULT_NONE;
}

/* What was unpacked lies in the store, below the name that was found. */
static enum fault_code from_unpacked(struct launch *launch, struct fault *fault)
{
	const struct plan_root *root = &launch->plan->root;
	int fd = open(root->tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct plan_identity identity;
	enum fault_code code;

	if (fd < 0 || mount_identify(fd, &identity) < 0 ||
	    !mount_same(&identity, &root->tree_identity))
		code = fault_set_errno(fault, CODE, errno, PATH, "cannot open %s", root->tree);
	else
		code = from_tree(launch, fd, &record, fault);
	descriptor_close(&fd);
	if (code == FAULT_NONE)
		add_volume(launch);
	return code;
}

static enum fault_code from_store(struct launch *launch, int source_fd, struct fault *fault)
{
	struct machine_file *file = &launch->machine->rootfs;
	enum fault_code code = FAULT_NONE;

	/* Before it is hashed: should it turn out to be an image, it is held since. */
	if (machine_hold_possible(source_fd))
		code = machine_hold_begin(launch, fcntl(source_fd, F_DUPFD_CLOEXEC, 0), PATH, file,
					  fault);
	if (code == FAULT_NONE)
		code = rootfs_from_store(launch, source_fd, fault);
	if (code != FAULT_NONE || launch->plan->root.kind != PLAN_ROOT_OCI)
		return code;
	descriptor_close(&file->fd);
	return from_unpacked(launch, fault);
}

enum fault_code machine_rootfs(struct launch *launch, struct fault *fault)
{
	int fd = -1;
	enum fault_code code = rootfs_open_source(&launch->plan->root, &fd, fault);

	if (code == FAULT_NONE)
		code = launch->plan->root.kind == PLAN_ROOT_DIRECTORY
			       ? from_directory(launch, fd, fault)
			       : from_store(launch, fd, fault);
	descriptor_close(&fd);
	return code;
}
