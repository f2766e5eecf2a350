/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARTIFACT_IMAGE_FILE_H
#define ARTIFACT_IMAGE_FILE_H

#include "ipc/fault.h"
#include "stages/seal/digest.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Files of the artifact directory, each new, each hashed as it is written; mode 0644. A file is
 * begun, added to, and ended; ending it flushes it to the disk.
 */
struct image_file {
	int fd;
	struct digest *digest;
	uint64_t bytes;
	const char *name; /* borrowed */
};

enum fault_code image_file_begin(struct image_file *file, int out_fd, const char *name,
				 struct fault *fault) __attribute__((warn_unused_result));
enum fault_code image_file_add(struct image_file *file, const void *data, size_t len,
			       struct fault *fault) __attribute__((warn_unused_result));
/* {"bytes","path","sha256"}, the caller's; the file is closed in every case. */
enum fault_code image_file_end(struct image_file *file, struct json_object **entry,
			       struct fault *fault) __attribute__((warn_unused_result));
/* Right at any moment, and more than once. */
void image_file_release(struct image_file *file);

/* One that is there already: the same, without a change. */
enum fault_code image_file_describe(int out_fd, const char *name, struct json_object **entry,
				    struct fault *fault) __attribute__((warn_unused_result));

/* All of fd, at most max bytes, in *data (the caller frees it). */
enum fault_code image_file_read(int fd, const char *name, size_t max, uint8_t **data, size_t *len,
				struct fault *fault) __attribute__((warn_unused_result));

#endif
