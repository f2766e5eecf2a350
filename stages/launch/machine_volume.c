/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/machine_volume.h"

#include "ipc/object.h"
#include "stages/image/image.h"
#include "stages/launch/assistant.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/launch.h"
#include "stages/launch/machine_hold.h"
#include "stages/launch/namespace.h"
#include "stages/launch/rootfs.h"
#include "stages/launch/store.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CODE	  FAULT_RUN_MOUNT
#define BYTES_MAX "17179869184" /* of an image */
#define FILES_MAX "1000000"
#define ID_SIZE	  12

struct request {
	struct launch *launch;
	struct machine_volume *volume;
	struct store_entry entry;
	char id[ID_SIZE];
};

/* Root's runs show owners as they are, other callers' what is theirs and what is not. */
static void add_owners(struct request *request, struct assistant_plan *plan)
{
	const char *words[] = {"--owners", "own", "--uid", request->id, "--gid", request->id};
	bool rootless = request->launch->plan->rootless;

	(void)snprintf(request->id, sizeof request->id, "%d", NAMESPACE_ROOTLESS_ID);
	if (!rootless)
		words[1] = "kept";
	for (size_t i = 0; i < (rootless ? 6 : 2); i++)
		plan->words[plan->word_count++] = words[i];
}

static enum fault_code hash_tree(struct request *request, size_t index, struct fault *fault)
{
	struct machine_volume *volume = request->volume;
	struct assistant_plan plan;
	enum fault_code code;

	object_release(&volume->record);
	rootfs_assistant(request->launch, "sr-tree", volume->path, &plan);
	plan.fds[plan.fd_count++] = (struct assistant_fd){"--tree-fd", volume->trees[index].fd};
	add_owners(request, &plan);
	code = rootfs_ask(&plan, &volume->record, fault);
	if (code == FAULT_NONE && (!digest_text_valid(rootfs_text(volume->record, "hash")) ||
				   !digest_text_valid(rootfs_text(volume->record, "ownersHash"))))
		code = fault_set(fault, CODE, volume->path, "sr-tree told no hash");
	return code;
}

static void add_to_key(struct digest *key, const char *text)
{
	digest_update(key, text, strlen(text) + 1);
}

/* What is in them decides which image it is. The formula is sr-image's. */
static enum fault_code identify(struct request *request, struct fault *fault)
{
	struct machine_volume *volume = request->volume;
	struct digest *key = digest_new();
	enum fault_code code = FAULT_NONE;
	uint8_t value[DIGEST_SIZE];

	add_to_key(key, volume->root ? IMAGE_KEY_ROOT : IMAGE_KEY_VOLUME);
	for (size_t i = 0; code == FAULT_NONE && i < volume->tree_count; i++) {
		volume->tree_at_fault = i;
		code = hash_tree(request, i, fault);
		if (code != FAULT_NONE)
			break;
		add_to_key(key, rootfs_text(volume->record, "hash"));
		add_to_key(key, rootfs_text(volume->record, "ownersHash"));
	}
	digest_value(key, value);
	digest_free(key);
	request->entry = (struct store_entry){.volume = true};
	digest_text(value, request->entry.key);
	return code;
}

static enum fault_code make_image(struct request *request, int image_fd,
				  struct json_object **record, struct fault *fault)
{
	static const char *const words[] = {"--max-bytes", BYTES_MAX, "--max-files", FILES_MAX};
	const struct machine_volume *volume = request->volume;
	struct assistant_plan plan;
	enum fault_code code;

	rootfs_assistant(request->launch, "sr-image", volume->path, &plan);
	plan.fds[plan.fd_count++] = (struct assistant_fd){"--image-fd", image_fd};
	for (size_t i = 0; i < volume->tree_count; i++)
		plan.fds[plan.fd_count++] = (struct assistant_fd){"--tree-fd", volume->trees[i].fd};
	plan.words[plan.word_count++] = volume->root ? "--root" : "--parts";
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		plan.words[plan.word_count++] = words[i];
	add_owners(request, &plan);
	code = rootfs_ask(&plan, record, fault);
	if (code == FAULT_NONE && strcmp(rootfs_text(*record, "key"), request->entry.key) != 0)
		code = fault_set(
			fault, CODE, volume->path, "%s changed while an image was made of it%s",
			volume->trees[0].name, volume->tree_count > 1 ? ", or another one" : "");
	return code;
}

static enum fault_code fill(struct request *request, int unpack_fd, struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	int image_fd = openat(unpack_fd, "image",
			      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	enum fault_code code;

	if (image_fd < 0)
		return fault_set_errno(fault, CODE, errno, request->volume->path,
				       "cannot make a file in the store");
	code = make_image(request, image_fd, &record, fault);
	(void)close(image_fd);
	return code == FAULT_NONE
		       ? store_publish(request->launch->store_fd, &request->entry, record, fault)
		       : code;
}

/* Runs at the same time take turns; who comes second finds what the first one made. */
static enum fault_code add_image(struct request *request, int *fd, struct fault *fault)
{
	struct launch *launch = request->launch;
	int lock_fd = -1, unpack_fd = -1;
	enum fault_code code = store_lock(launch->store_fd, launch->signal_fd, &lock_fd, fault);

	if (code == FAULT_NONE)
		code = store_find(launch->store_fd, &request->entry, fd, fault);
	if (code == FAULT_NONE && *fd < 0) {
		code = store_begin(launch, &unpack_fd, fault);
		if (code == FAULT_NONE)
			code = fill(request, unpack_fd, fault);
		descriptor_close(&unpack_fd);
		store_clear(launch);
		if (code == FAULT_NONE)
			code = store_find(launch->store_fd, &request->entry, fd, fault);
	}
	descriptor_close(&lock_fd);
	if (code == FAULT_NONE && *fd < 0)
		code = fault_set(fault, CODE, request->volume->path,
				 "the image that was made is gone again");
	return code;
}

enum fault_code machine_volume(struct launch *launch, struct machine_volume *volume,
			       struct machine_file *file, struct fault *fault)
{
	struct request request = {.launch = launch, .volume = volume};
	int fd = -1;
	enum fault_code code = store_check(launch->store_fd, fault);

	if (code == FAULT_NONE)
		code = identify(&request, fault);
	if (code == FAULT_NONE)
		code = store_find(launch->store_fd, &request.entry, &fd, fault);
	if (code == FAULT_NONE && fd < 0)
		code = add_image(&request, &fd, fault);
	return code == FAULT_NONE ? machine_hold_hashed(launch, fd, volume->path, file, fault)
				  : code;
}
