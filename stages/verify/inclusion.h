/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_INCLUSION_H
#define VERIFY_INCLUSION_H

#include "stages/seal/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Proofs in the Merkle tree of stages/seal/merkle.h: that a leaf is in it (RFC 9162 section 2.1.3,
 * the same tree as RFC 6962) and that a larger one holds all of a smaller one (section 2.1.4).
 *
 * Making needs the hashes of all leaves. Checking needs the proof alone and looks at every element
 * of it: a path that is a hash too long or too short is no proof.
 */
#define INCLUSION_PATH_MAX 64 /* a tree over 2^64 leaves is no higher */

typedef uint8_t inclusion_hash[DIGEST_SIZE];

struct inclusion_path {
	size_t len;
	inclusion_hash hashes[INCLUSION_PATH_MAX];
};

/* The path of leaf index among size leaves; false unless index < size. */
bool inclusion_prove(const inclusion_hash *leaves, size_t size, size_t index,
		     struct inclusion_path *path) __attribute__((warn_unused_result));
/* Whether leaf is leaf number index of the tree over size leaves with that root. */
bool inclusion_check(const inclusion_hash leaf, uint64_t index, uint64_t size,
		     const struct inclusion_path *path, const inclusion_hash root)
	__attribute__((warn_unused_result));

/*
 * From the tree over the first old_size leaves to the one over all size of them; false unless
 * 0 < old_size <= size. Equal sizes have an empty path.
 */
bool inclusion_prove_growth(const inclusion_hash *leaves, size_t old_size, size_t size,
			    struct inclusion_path *path) __attribute__((warn_unused_result));
/*
 * Whether the first old_size leaves under root are those under old_root. Nothing can be said from
 * size 0, which every tree has grown from; it is refused, as is shrinking.
 */
bool inclusion_check_growth(uint64_t old_size, const inclusion_hash old_root, uint64_t size,
			    const inclusion_hash root, const struct inclusion_path *path)
	__attribute__((warn_unused_result));

#endif
