/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/event.h"
#include "ipc/object.h"
#include "stages/launch/assistant.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/launch.h"
#include "stages/launch/machine_part.h"
#include "stages/launch/mount.h"
#include "stages/launch/rootfs.h"
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

#define CODE	  FAULT_RUN_MOUNT
#define PATH	  "launch.machine.mount"
#define BYTES_MAX "17179869184" /* of an image */
#define FILES_MAX "1000000"
#define FD_LINK	  32

/* One mount of the policy on its way to a device of the guest's. */
struct volume {
	struct launch *launch;
	const struct plan_mount *mount;
	char path[FAULT_PATH_SIZE]; /* of faults: "launch.mount[0]" */
	int source_fd;
	struct store_entry entry;
};

/* As init does for a bind mount: the very file that was validated, and still at its place. */
static enum fault_code open_source(struct volume *volume, struct fault *fault)
{
	const struct plan_mount *mount = volume->mount;
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	char link[FD_LINK], name[PLAN_PATH_MAX];
	struct plan_identity identity;
	ssize_t len;

	volume->source_fd = (int)syscall(SYS_openat2, AT_FDCWD, mount->source, &how, sizeof how);
	if (volume->source_fd < 0)
		return fault_set_errno(fault, CODE, errno, volume->path, "cannot open %s%s",
				       mount->source,
				       errno == ELOOP ? ", in which a symbolic link has appeared "
							"since it was validated"
						      : "");
	if (mount_identify(volume->source_fd, &identity) < 0 ||
	    !mount_same(&identity, &mount->identity))
		return fault_set(fault, CODE, volume->path,
				 "%s is another file than the one that was validated",
				 mount->source);
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", volume->source_fd);
	len = readlink(link, name, sizeof name - 1);
	name[len > 0 ? len : 0] = '\0';
	if (len > 0 && strcmp(name, mount->source) == 0)
		return FAULT_NONE;
	return fault_set(fault, CODE, volume->path, "%s has moved since it was validated",
			 mount->source);
}

/* What is in it decides which image it is; read anew each time, so no image is ever stale. */
static enum fault_code identify(struct volume *volume, struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	enum fault_code code = rootfs_hash_tree(volume->launch, volume->source_fd, &record, fault);

	if (code != FAULT_NONE)
		return code;
	volume->entry = (struct store_entry){.volume = true};
	(void)snprintf(volume->entry.key, sizeof volume->entry.key, "%s",
		       rootfs_text(record, "hash"));
	return FAULT_NONE;
}

static enum fault_code make_image(const struct volume *volume, int image_fd,
				  struct json_object **record, struct fault *fault)
{
	struct assistant_plan plan;
	enum fault_code code;

	rootfs_assistant(volume->launch, "sr-image", PATH, &plan);
	plan.fds[plan.fd_count++] = (struct assistant_fd){"--tree-fd", volume->source_fd};
	plan.fds[plan.fd_count++] = (struct assistant_fd){"--image-fd", image_fd};
	plan.words[plan.word_count++] = "--max-bytes";
	plan.words[plan.word_count++] = BYTES_MAX;
	plan.words[plan.word_count++] = "--max-files";
	plan.words[plan.word_count++] = FILES_MAX;
	code = rootfs_ask(&plan, record, fault);
	if (code == FAULT_NONE && strcmp(rootfs_text(*record, "treeHash"), volume->entry.key) != 0)
		code = fault_set(fault, CODE, volume->path,
				 "%s changed while an image was made of it", volume->mount->source);
	return code;
}

static enum fault_code fill(const struct volume *volume, int unpack_fd, struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	int image_fd = openat(unpack_fd, "image",
			      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	enum fault_code code;

	if (image_fd < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot make a file in the store");
	code = make_image(volume, image_fd, &record, fault);
	(void)close(image_fd);
	return code == FAULT_NONE
		       ? store_publish(volume->launch->store_fd, &volume->entry, record, fault)
		       : code;
}

/* Runs at the same time take turns; who comes second finds what the first one made. */
static enum fault_code add_image(const struct volume *volume, int *fd, struct fault *fault)
{
	struct launch *launch = volume->launch;
	int lock_fd = -1, unpack_fd = -1;
	enum fault_code code = store_lock(launch->store_fd, launch->signal_fd, &lock_fd, fault);

	if (code == FAULT_NONE)
		code = store_find(launch->store_fd, &volume->entry, fd, fault);
	if (code == FAULT_NONE && *fd < 0) {
		code = store_begin(launch, &unpack_fd, fault);
		if (code == FAULT_NONE)
			code = fill(volume, unpack_fd, fault);
		descriptor_close(&unpack_fd);
		store_clear(launch);
		if (code == FAULT_NONE)
			code = store_find(launch->store_fd, &volume->entry, fd, fault);
	}
	descriptor_close(&lock_fd);
	if (code == FAULT_NONE && *fd < 0)
		code = fault_set(fault, CODE, PATH, "the image that was made is gone again");
	return code;
}

/* The hash is of the image as it lies there now. */
static enum fault_code describe(const struct volume *volume, int fd, struct machine_file *file,
				struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct assistant_plan plan;
	char link[FD_LINK], name[PLAN_PATH_MAX];
	struct stat info;
	ssize_t len;
	enum fault_code code;

	rootfs_assistant(volume->launch, "sr-unpack", PATH, &plan);
	plan.fds[plan.fd_count++] = (struct assistant_fd){"--file-fd", fd};
	plan.words[plan.word_count++] = "--identify";
	code = rootfs_ask(&plan, &record, fault);
	if (code != FAULT_NONE)
		return code;
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	len = readlink(link, name, sizeof name - 1);
	name[len > 0 ? len : 0] = '\0';
	file->source = plan_text(volume->launch->plan, name);
	(void)snprintf(file->hash, sizeof file->hash, "%s", rootfs_text(record, "key"));
	(void)snprintf(file->format, sizeof file->format, "%s", rootfs_text(record, "format"));
	if (len <= 0 || file->source == NULL || fstat(fd, &info) < 0 ||
	    mount_identify(fd, &file->identity) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot name the image");
	file->bytes = info.st_size;
	return digest_text_valid(file->hash)
		       ? FAULT_NONE
		       : fault_set(fault, CODE, PATH, "sr-unpack told no hash");
}

static enum fault_code prepare(struct volume *volume, struct machine_file *file,
			       struct fault *fault)
{
	int fd = -1;
	enum fault_code code = open_source(volume, fault);

	if (code == FAULT_NONE && !volume->mount->identity.directory)
		code = fault_set(fault, FAULT_HOST_LACKS, volume->path,
				 "a microVM mounts directories, and %s is a file: mount the "
				 "directory it lies in",
				 volume->mount->source);
	if (code == FAULT_NONE)
		code = identify(volume, fault);
	if (code == FAULT_NONE)
		code = store_find(volume->launch->store_fd, &volume->entry, &fd, fault);
	if (code == FAULT_NONE && fd < 0)
		code = add_image(volume, &fd, fault);
	if (code == FAULT_NONE)
		code = describe(volume, fd, file, fault);
	descriptor_close(&fd);
	descriptor_close(&volume->source_fd);
	return code;
}

/* mount.validated or mount.rejected. */
static enum fault_code tell(struct launch *launch, size_t index, const struct fault *why,
			    struct fault *fault)
{
	const struct plan_mount *mount = &launch->plan->mounts[index];
	struct json_object *payload = object_new();

	object_add_integer(payload, "index", (int64_t)index);
	if (why != NULL)
		object_add_string(payload, "reason", why->message);
	object_add_string(payload, "source", mount->source);
	object_add_string(payload, "target", mount->target);
	return event_emit(&launch->events,
			  why != NULL ? EVENT_MOUNT_REJECTED : EVENT_MOUNT_VALIDATED,
			  EVENT_BY_LAUNCHER, payload, fault);
}

static enum fault_code add_one(struct launch *launch, size_t index, struct fault *fault)
{
	struct volume volume = {
		.launch = launch, .mount = &launch->plan->mounts[index], .source_fd = -1};
	struct machine_file *file = &launch->machine->mounts[index];
	struct fault event_fault;
	char name[32];
	enum fault_code code;

	(void)snprintf(volume.path, sizeof volume.path, "launch.mount[%zu]", index);
	(void)snprintf(name, sizeof name, "mount%zu", index);
	code = prepare(&volume, file, fault);
	if (tell(launch, index, code == FAULT_NONE ? NULL : fault, &event_fault) != FAULT_NONE &&
	    code == FAULT_NONE) {
		*fault = event_fault;
		code = fault->code;
	}
	return code == FAULT_NONE ? machine_add_file(launch->plan, file, name, fault) : code;
}

enum fault_code machine_mounts(struct launch *launch, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	if (launch->machine->job.mount_count > 0)
		code = store_check(launch->store_fd, fault);
	for (size_t i = 0; code == FAULT_NONE && i < launch->machine->job.mount_count; i++)
		code = add_one(launch, i, fault);
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
