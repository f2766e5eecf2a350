/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/object.h"
#include "stages/launch/ceiling.h"
#include "stages/launch/machine_hold.h"
#include "stages/launch/mount.h"
#include "stages/launch/plan.h"
#include "stages/launch/rootfs.h"
#include "stages/launch/store.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE   FAULT_RUN_LAUNCH
#define UNPACK "launch.root.unpack"

struct request {
	struct launch *launch;
	int source_fd;
	const char *format; /* in record */
	struct json_object *record;
	struct store_entry entry;
};

static void plan_unpack(const struct request *request, struct assistant_plan *plan)
{
	bool layout = request->launch->plan->root.identity.directory;

	rootfs_assistant(request->launch, "sr-unpack", UNPACK, plan);
	plan->fds[plan->fd_count++] =
		(struct assistant_fd){layout ? "--layout-fd" : "--file-fd", request->source_fd};
}

/* What it is and the hash it goes by. Nothing is written yet. */
static enum fault_code identify(struct request *request, struct fault *fault)
{
	static const char *const images[] = {"squashfs", "erofs", "ext4"};
	struct assistant_plan plan;
	enum fault_code code;

	plan_unpack(request, &plan);
	plan.words[plan.word_count++] = "--identify";
	code = rootfs_ask(&plan, &request->record, fault);
	if (code != FAULT_NONE)
		return code;
	if (!digest_text_valid(rootfs_text(request->record, "key")))
		return fault_set(fault, CODE, UNPACK, "sr-unpack told no hash");
	(void)snprintf(request->entry.key, sizeof request->entry.key, "%s",
		       rootfs_text(request->record, "key"));
	request->format = rootfs_text(request->record, "format");
	for (size_t i = 0; i < sizeof images / sizeof images[0]; i++)
		if (strcmp(request->format, images[i]) == 0)
			request->entry.image = true;
	code = ceiling_admit_rootfs(&request->launch->ceiling,
				    request->entry.image ? CEILING_IMAGE : CEILING_OCI, fault);
	if (code != FAULT_NONE)
		return code;
	if (request->launch->plan->machine.wanted) {
		/* The VMM, a user of its own, is to open it: as a volume. */
		request->entry.volume = request->entry.image;
		request->entry.image = false;
		return FAULT_NONE;
	}
	if (request->entry.image && request->launch->plan->rootless)
		return fault_set(fault, FAULT_HOST_LACKS, "policy.runtime.rootfs",
				 "only root can mount a %s image: loop devices are root's. Unpack "
				 "it into a directory, or name an OCI image layout or archive, "
				 "which everybody can unpack",
				 request->format);
	return FAULT_NONE;
}

static enum fault_code hash_new_tree(const struct request *request, int unpack_fd,
				     struct json_object **record, struct fault *fault)
{
	int fd = openat(unpack_fd, "root", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	enum fault_code code;

	if (fd < 0)
		return fault_set_errno(fault, CODE, errno, UNPACK, "sr-unpack left no tree");
	code = rootfs_hash_tree(request->launch, fd, record, fault);
	(void)close(fd);
	return code;
}

/* The second assistant's hash must be the first one's: what was looked up is what is stored. */
static enum fault_code unpack_into(const struct request *request, int unpack_fd,
				   struct fault *fault)
{
	struct json_object *told OBJECT_CLEANUP = NULL;
	struct json_object *manifest OBJECT_CLEANUP = NULL;
	struct assistant_plan plan;
	enum fault_code code;

	plan_unpack(request, &plan);
	plan.fds[plan.fd_count++] = (struct assistant_fd){"--work-fd", unpack_fd};
	code = rootfs_ask(&plan, &told, fault);
	if (code == FAULT_NONE && strcmp(rootfs_text(told, "key"), request->entry.key) != 0)
		code = fault_set(fault, CODE, UNPACK, "the rootfs changed while it was unpacked");
	if (code == FAULT_NONE && !request->entry.image && !request->entry.volume)
		code = hash_new_tree(request, unpack_fd, &manifest, fault);
	return code == FAULT_NONE ? store_publish(request->launch->store_fd, &request->entry,
						  request->entry.volume ? told : manifest, fault)
				  : code;
}

static enum fault_code unpack(const struct request *request, struct fault *fault)
{
	int unpack_fd = -1;
	enum fault_code code = store_begin(request->launch, &unpack_fd, fault);

	if (code == FAULT_NONE)
		code = unpack_into(request, unpack_fd, fault);
	(void)close(unpack_fd);
	store_clear(request->launch);
	return code;
}

/* Runs at the same time take turns; who comes second finds what the first one made. */
static enum fault_code add_entry(const struct request *request, int *fd, struct fault *fault)
{
	int store_fd = request->launch->store_fd, lock_fd = -1;
	enum fault_code code = store_lock(store_fd, request->launch->signal_fd, &lock_fd, fault);

	if (code == FAULT_NONE)
		code = store_find(store_fd, &request->entry, fd, fault);
	if (code == FAULT_NONE && *fd < 0) {
		code = unpack(request, fault);
		if (code == FAULT_NONE)
			code = store_find(store_fd, &request->entry, fd, fault);
		if (code == FAULT_NONE && *fd < 0)
			code = fault_set(fault, CODE, UNPACK, "what was unpacked is gone again");
	}
	(void)close(lock_fd);
	return code;
}

static enum fault_code find_or_add(const struct request *request, int *fd, struct fault *fault)
{
	int store_fd = request->launch->store_fd;
	enum fault_code code = store_check(store_fd, fault);

	if (code == FAULT_NONE)
		code = store_find(store_fd, &request->entry, fd, fault);
	return code == FAULT_NONE && *fd < 0 ? add_entry(request, fd, fault) : code;
}

/* init finds the tree by name in its own mount namespace, and compares. */
static enum fault_code use_tree(struct request *request, int fd, struct fault *fault)
{
	struct plan *plan = request->launch->plan;
	char path[PLAN_PATH_MAX];
	bool named = mount_name(-1, fd, path, sizeof path) == 0;

	plan->root.tree = named ? plan_text(plan, path) : NULL;
	if (plan->root.tree == NULL || mount_identify(fd, &plan->root.tree_identity) < 0)
		return fault_set_errno(fault, CODE, errno, UNPACK, "cannot name the unpacked tree");
	plan->root.kind = PLAN_ROOT_OCI;
	return FAULT_NONE;
}

static enum fault_code describe_tree(struct request *request, struct fault *fault)
{
	struct json_object *manifest OBJECT_CLEANUP = NULL;
	struct json_object *root;
	enum fault_code code =
		store_read_manifest(request->launch->store_fd, &request->entry, &manifest, fault);

	if (code == FAULT_NONE && !digest_text_valid(rootfs_text(manifest, "hash")))
		code = fault_set(fault, CODE, UNPACK, "the store's manifest has no hash");
	if (code != FAULT_NONE)
		return code;
	root = rootfs_describe(request->launch->plan, "oci");
	rootfs_add_manifest(root, manifest);
	object_add_string(root, "format", request->format);
	object_add_string(root, "image", request->entry.key);
	request->launch->root_identity = root;
	return FAULT_NONE;
}

static void describe_image(const struct request *request, off_t bytes)
{
	struct json_object *root = rootfs_describe(request->launch->plan, "image");

	object_add_integer(root, "bytes", bytes);
	object_add_string(root, "format", request->format);
	object_add_string(root, "hash", request->entry.key);
	request->launch->root_identity = root;
}

/* A machine's: the policy's own file where nobody else can change it, else a copy of the store's. */
static enum fault_code use_volume(struct request *request, struct fault *fault)
{
	struct machine_file *file = &request->launch->machine->rootfs;
	enum fault_code code = FAULT_NONE;
	int fd = -1;

	if (file->fd < 0) {
		code = find_or_add(request, &fd, fault);
		if (code == FAULT_NONE)
			code = machine_hold_begin(request->launch, fd, UNPACK, file, fault);
		if (code != FAULT_NONE)
			return code;
	}
	(void)snprintf(file->hash, sizeof file->hash, "%s", request->entry.key);
	(void)snprintf(file->format, sizeof file->format, "%s", request->format);
	describe_image(request, file->bytes);
	return FAULT_NONE;
}

static enum fault_code use_image(struct request *request, int fd, struct fault *fault)
{
	struct stat info;
	enum fault_code code =
		rootfs_mount_image(fd, request->format, &request->launch->root_fd, fault);

	if (code == FAULT_NONE && fstat(fd, &info) < 0)
		code = fault_set_errno(fault, CODE, errno, UNPACK, "cannot look at the image");
	if (code != FAULT_NONE)
		return code;
	describe_image(request, info.st_size);
	return FAULT_NONE;
}

static enum fault_code use(struct request *request, struct fault *fault)
{
	int fd = -1;
	enum fault_code code = find_or_add(request, &fd, fault);

	if (code == FAULT_NONE && request->entry.image)
		code = use_image(request, fd, fault);
	else if (code == FAULT_NONE)
		code = use_tree(request, fd, fault);
	(void)close(fd);
	if (code == FAULT_NONE && !request->entry.image)
		code = describe_tree(request, fault);
	return code;
}

enum fault_code rootfs_from_store(struct launch *launch, int source_fd, struct fault *fault)
{
	struct request request = {.launch = launch, .source_fd = source_fd};
	enum fault_code code = identify(&request, fault);
	bool image = request.entry.image || request.entry.volume;

	/* Before the kernel is given a file system of somebody else's making. */
	if (code == FAULT_NONE)
		code = ceiling_admit_rootfs(&launch->ceiling, image ? CEILING_IMAGE : CEILING_OCI,
					    fault);
	if (code == FAULT_NONE)
		code = request.entry.volume ? use_volume(&request, fault) : use(&request, fault);
	json_object_put(request.record);
	return code;
}
