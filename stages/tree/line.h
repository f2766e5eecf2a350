/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TREE_LINE_H
#define TREE_LINE_H

#include <stdint.h>

struct digest;
struct stat;

/*
 * One line of a tree's manifest (manifest.h) into a running hash. path is "" for the top; size NULL
 * and hash "-" where the type has none.
 */
void line_add(struct digest *manifest, const char *path, const struct stat *info,
	      const uint64_t *size, const char *hash);

#endif
