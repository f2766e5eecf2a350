/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_VECTORS_H
#define SUPPORT_VECTORS_H

#include <stddef.h>

/*
 * The files of tests/vectors/<set>, sorted by name: SAFE_RUN_VECTORS, else tests/vectors where the
 * test was started, else beside the build directory. A set that is not there or empty ends the
 * test: a test over no vectors proves nothing.
 */
struct vector {
	char *name; /* without the extension */
	char *data; /* NUL-terminated for reading along; the NUL is not part of it */
	size_t len;
};

struct vector_set {
	struct vector *items;
	size_t count;
};

void vectors_load(const char *set, struct vector_set *out);
void vectors_release(struct vector_set *set);
/* "<vectors>/<path>"; the caller frees it. */
char *vectors_path(const char *path);

#endif
