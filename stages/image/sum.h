/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAGE_SUM_H
#define IMAGE_SUM_H

#include "ipc/fault.h"
#include "stages/image/image.h"

#include <stdbool.h>
#include <stdint.h>

struct json_object;

/* What the trees of an image come to together: its key in a store (image.h), and counts. */
struct sum {
	struct digest *key;
	bool parts;
	uint64_t files, unreadable;
	char tree_hash[DIGEST_TEXT_SIZE]; /* of the last */
};

void sum_begin(struct sum *sum, enum image_top top);
/* The directory or the regular file fd goes into the image and is counted here. */
enum fault_code sum_add(struct sum *sum, struct image *image, int fd,
			const struct manifest_limits *limits, struct fault *fault)
	__attribute__((warn_unused_result));
/* Members files, format, key, treeHash and unreadable. */
void sum_tell(const struct sum *sum, struct json_object *record);
void sum_end(struct sum *sum);

#endif
