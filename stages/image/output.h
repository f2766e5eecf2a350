/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IMAGE_OUTPUT_H
#define IMAGE_OUTPUT_H

#include "ipc/fault.h"
#include "stages/image/image.h"

#include <stddef.h>
#include <stdint.h>

/* Writing into the image's file, never beyond what it may have. */

/* Whether len bytes more of content, and the table of inodes as it is, have room. */
enum fault_code output_fits(const struct image *image, uint64_t len, struct fault *fault)
	__attribute__((warn_unused_result));
/* All of data at that place of the file. */
enum fault_code output_at(const struct image *image, uint64_t at, const void *data, size_t len,
			  struct fault *fault) __attribute__((warn_unused_result));
/* The blocks of len bytes, which have been written, or are a hole, are taken. */
enum fault_code output_skip(struct image *image, uint64_t len, struct fault *fault)
	__attribute__((warn_unused_result));
/* The table of inodes, the file's length, and last the superblock. */
enum fault_code output_finish(struct image *image, uint64_t root_nid, struct fault *fault)
	__attribute__((warn_unused_result));
/* "sha256:<hex>" of the file, read back. */
enum fault_code output_hash(const struct image *image, char hash[DIGEST_TEXT_SIZE],
			    struct fault *fault) __attribute__((warn_unused_result));

/* A directory's content. The blocks follow each other: nothing else is written meanwhile. */
struct directory {
	struct erofs_entries entries;
	uint64_t blocks; /* written */
};

enum fault_code directory_add(struct directory *directory, struct image *image, const char *name,
			      uint64_t nid, uint8_t type, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code directory_end(struct directory *directory, struct image *image, uint64_t *size,
			      struct fault *fault) __attribute__((warn_unused_result));

#endif
