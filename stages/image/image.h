/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include "ipc/buf.h"
#include "ipc/fault.h"
#include "stages/image/erofs.h"
#include "stages/seal/digest.h"
#include "stages/tree/manifest.h"
#include "stages/tree/owners.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * An image while it is written. Contents go out block after block as they are read; the table of
 * inodes is kept, 64 bytes each, and written behind them; the superblock comes last, so that what
 * was left half done is no file system.
 */
#define IMAGE_FILES_MAX MANIFEST_ENTRIES_MAX
#define IMAGE_BYTES_MAX (1ULL << 40)
#define IMAGE_PART_MAX	64 /* trees of one image */
#define IMAGE_PART_NAME 3  /* "00", with its NUL */

/* What the image's top directory is. */
enum image_top {
	IMAGE_TOP_TREE,	 /* it holds the one name "tree", the directory */
	IMAGE_TOP_FILE,	 /* it holds the one name "file" */
	IMAGE_TOP_PARTS, /* it holds "00", "01" and so on, each a directory or a file */
	IMAGE_TOP_ROOT,	 /* the directory itself */
};

struct image_plan {
	int fd; /* an empty regular file, open for reading and writing */
	uint64_t bytes_max;
	struct owners *owners; /* whom what is in it belongs to */
	enum image_top top;
	const char *path; /* of faults */
};

struct image_child {
	uint64_t nid;
	uint8_t type;
};

/* A directory that is being filled, and those above it. */
struct image_level {
	size_t index; /* of its inode */
	mode_t mode;
	uint32_t uid, gid;
	uint32_t directories; /* in it */
	struct buf children;  /* struct image_child, in the order of its names */
};

struct image {
	const struct image_plan *plan;
	uint64_t blocks;   /* so far */
	struct buf inodes; /* the table */
	size_t inode_count, depth;
	struct image_level levels[MANIFEST_DEPTH_MAX + 1];
	struct erofs_inode file; /* the one being written */
	size_t file_index;
	uint64_t file_size, file_len; /* as the host has it, and of it so far */
	bool file_hidden;	      /* hashed, and not in the image */
};

/*
 * The name an image goes by in a store: of the rule it was made by ("safe-run.volume/v1", or
 * "safe-run.root/v1" where a tree is the top), and of each part's tree and owners hash, a NUL behind
 * each.
 */
#define IMAGE_KEY_VOLUME "safe-run.volume/v1"
#define IMAGE_KEY_ROOT	 "safe-run.root/v1"

/* Ready for the top. *plan is borrowed until image_release. */
void image_begin(struct image *image, const struct image_plan *plan);
/* A manifest_visitor's; context is the image. */
enum fault_code image_visit(void *context, enum manifest_step step, const struct stat *info,
			    const void *data, size_t len, struct fault *fault)
	__attribute__((warn_unused_result));
/* After the last step: the rest of it, and its hash and size as read back. */
enum fault_code image_end(struct image *image, char hash[DIGEST_TEXT_SIZE], uint64_t *bytes,
			  struct fault *fault) __attribute__((warn_unused_result));
void image_release(struct image *image);

#endif
