/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/image/sum.h"

#include "ipc/object.h"
#include "stages/tree/single.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static void add_to_key(struct sum *sum, const char *text)
{
	digest_update(sum->key, text, strlen(text) + 1);
}

void sum_begin(struct sum *sum, enum image_top top)
{
	*sum = (struct sum){.key = digest_new(), .parts = top == IMAGE_TOP_PARTS};
	add_to_key(sum, top == IMAGE_TOP_ROOT ? IMAGE_KEY_ROOT : IMAGE_KEY_VOLUME);
}

enum fault_code sum_add(struct sum *sum, struct image *image, int fd,
			const struct manifest_limits *limits, struct fault *fault)
{
	struct manifest_visitor visitor = {image, image_visit};
	const struct image_plan *plan = image->plan;
	char owners[DIGEST_TEXT_SIZE];
	struct manifest manifest;
	enum fault_code code;
	struct stat info;

	if (fstat(fd, &info) < 0)
		return fault_set_errno(fault, FAULT_RUN_LAUNCH, errno, plan->path, "fstat");
	owners_begin(plan->owners);
	if (S_ISREG(info.st_mode))
		code = single_make(fd, &visitor, plan->path, &manifest, fault);
	else
		code = manifest_make(fd, limits, &visitor, plan->path, &manifest, fault);
	owners_end(plan->owners, owners);
	if (code != FAULT_NONE)
		return code;
	sum->files += manifest.files;
	sum->unreadable += manifest.unreadable;
	memcpy(sum->tree_hash, manifest.hash, sizeof sum->tree_hash);
	add_to_key(sum, manifest.hash);
	add_to_key(sum, owners);
	return FAULT_NONE;
}

void sum_tell(const struct sum *sum, struct json_object *record)
{
	char key[DIGEST_TEXT_SIZE];
	uint8_t value[DIGEST_SIZE];

	digest_value(sum->key, value);
	digest_text(value, key);
	object_add_integer(record, "files", (int64_t)sum->files);
	object_add_string(record, "format", "erofs");
	object_add_string(record, "key", key);
	if (sum->parts)
		object_add_null(record, "treeHash");
	else
		object_add_string(record, "treeHash", sum->tree_hash);
	object_add_integer(record, "unreadable", (int64_t)sum->unreadable);
}

void sum_end(struct sum *sum)
{
	digest_free(sum->key);
	sum->key = NULL;
}
