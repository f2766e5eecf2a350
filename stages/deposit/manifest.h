/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEPOSIT_MANIFEST_H
#define DEPOSIT_MANIFEST_H

#include "ipc/buf.h"
#include "ipc/fault.h"
#include "stages/seal/digest.h"

#include <stdint.h>

struct json_object;

/* artifacts/outputs.ndjson: one canonical line an entry, and the hash of the whole file. */
struct manifest {
	int fd; /* borrowed */
	struct buf pending;
	struct digest *digest;
	uint64_t lines;
};

void manifest_init(struct manifest *manifest, int fd);
void manifest_release(struct manifest *manifest);

enum fault_code manifest_add(struct manifest *manifest, struct json_object *line,
			     struct fault *fault) __attribute__((warn_unused_result));

/* Write what is held back; hash is that of all lines with their line feeds. */
enum fault_code manifest_end(struct manifest *manifest, char hash[DIGEST_TEXT_SIZE],
			     struct fault *fault) __attribute__((warn_unused_result));

#endif
