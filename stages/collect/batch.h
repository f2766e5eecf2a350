/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECT_BATCH_H
#define COLLECT_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A directory's names in byte order, in memory that does not grow with their number: a batch holds
 * the least of those behind the last one handed out, and a directory that has more is read again
 * for the next batch. A directory of n names takes n / capacity readings.
 */
#define BATCH_NAME_SIZE 256 /* NAME_MAX and its NUL; longer is no file system's */

struct batch {
	char (*names)[BATCH_NAME_SIZE];
	uint32_t *order; /* names[order[0..count)]: a heap while reading, then ascending */
	size_t capacity, count;
	bool more; /* names remain behind the last of this batch */
};

/* Owned memory; the caller releases it. capacity is at least 1. */
void batch_init(struct batch *batch, size_t capacity);
void batch_release(struct batch *batch);

/*
 * Read all of dir_fd and keep the least names behind after ("" for the first batch); "." and ".."
 * are none. 0, or -1 with errno (ENAMETOOLONG: a name no batch can hold). dir_fd may be at any
 * offset.
 */
int batch_read(struct batch *batch, int dir_fd, const char *after)
	__attribute__((warn_unused_result));

const char *batch_name(const struct batch *batch, size_t index);

#endif
