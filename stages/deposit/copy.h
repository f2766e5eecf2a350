/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEPOSIT_COPY_H
#define DEPOSIT_COPY_H

#include <stddef.h>
#include <stdint.h>

struct digest;

#define COPY_BLOCK ((size_t)256 << 10) /* stays in the second-level cache between its two uses */

/*
 * size bytes from source_fd to the new file target_fd, through block (COPY_BLOCK bytes) and into
 * digest: what was hashed is what was written, which copy_file_range(2) and reflinks could not
 * say. Holes stay holes and are hashed as zeros. 0, or -1 with errno (ESTALE: the source is
 * no regular file or has another length).
 */
int copy_file(int source_fd, int target_fd, uint64_t size, struct digest *digest, char *block)
	__attribute__((warn_unused_result));

#endif
