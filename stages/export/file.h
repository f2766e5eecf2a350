/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPORT_FILE_H
#define EXPORT_FILE_H

#include "stages/deposit/entry.h"
#include "stages/seal/digest.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * Copy the collected file of entry from from_fd's tree to the new file target_fd. It must have the
 * size and hash the manifest says (EBADMSG). 0, or -1 with errno.
 */
int file_copy(int from_fd, const struct entry *entry, const char *hash, int target_fd)
	__attribute__((warn_unused_result));

/* Whether fd has exactly that content. */
bool file_is(int fd, const struct entry *entry, const char *hash);

#endif
