/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEPOSIT_STORE_H
#define DEPOSIT_STORE_H

#include "ipc/fault.h"
#include "stages/deposit/entry.h"
#include "stages/seal/digest.h"

#include <stdint.h>

/*
 * Copies below one directory. Files are 0600, or 0700 where anybody might execute the original,
 * directories 0700; set-id bits, owners and times are not kept. Nothing is followed, nothing that
 * exists is opened for writing.
 */
struct store {
	int dir_fd;    /* borrowed */
	int parent_fd; /* the last entry's directory, O_PATH; -1 */
	char parent[ENTRY_PATH_SIZE];
	struct digest *digest;
	char *block;
};

void store_init(struct store *store, int dir_fd);
void store_release(struct store *store);

/* Make entry->path a directory, and those above it. What exists is left as it is. */
enum fault_code store_directory(struct store *store, const struct entry *entry, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Copy entry->fd, hashing what is written, holes kept; hash is of exactly entry->size bytes. After
 * a fault nothing of the file is left.
 */
enum fault_code store_file(struct store *store, const struct entry *entry,
			   char hash[DIGEST_TEXT_SIZE], struct fault *fault)
	__attribute__((warn_unused_result));

#endif
