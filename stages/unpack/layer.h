/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNPACK_LAYER_H
#define UNPACK_LAYER_H

#include "ipc/fault.h"
#include "stages/seal/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive;
struct archive_entry;

/*
 * One tar archive read from a file: the file's bytes are hashed as they are read, what they
 * decompress to is hashed as it is handed to the tar reader, and both hashes cover all there is,
 * also what comes behind the archive's end. libarchive does the decompressing and the tar format;
 * it never sees a file name or a descriptor.
 */
enum layer_compression {
	LAYER_PLAIN,
	LAYER_GZIP,
	LAYER_ZSTD,
	LAYER_ANY, /* by the first bytes */
};

struct layer {
	const char *what; /* for faults: "layer 3" */
	int fd;		  /* borrowed */
	enum layer_compression compression;
	uint64_t bytes_max; /* it may unpack to */
};

struct layer_result {
	char file[DIGEST_TEXT_SIZE];	/* of the file */
	char content[DIGEST_TEXT_SIZE]; /* of the archive in it: the diff id */
	uint64_t file_bytes, content_bytes;
};

/* An entry, and its data by archive_read_data(3) on reader. */
typedef enum fault_code layer_entry_fn(struct archive *reader, struct archive_entry *entry,
				       void *context, struct fault *fault);

/* Every entry in its order; the first fault ends it. */
enum fault_code layer_read(const struct layer *layer, layer_entry_fn *entry, void *context,
			   struct layer_result *result, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
