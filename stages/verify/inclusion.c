/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/inclusion.h"

#include "stages/seal/merkle.h"

#include <string.h>

/* A run of leaves that stand side by side. */
struct range {
	const inclusion_hash *leaves;
	size_t size;
};

/* The largest power of two below size, which is at least 2: where a tree divides. */
static size_t split_of(size_t size)
{
	size_t split = 1;

	while (split < size - split)
		split *= 2;
	return split;
}

static struct range left_of(struct range range)
{
	return (struct range){range.leaves, split_of(range.size)};
}

static struct range right_of(struct range range)
{
	size_t split = split_of(range.size);

	return (struct range){range.leaves + split, range.size - split};
}

static void append_root(struct range range, struct inclusion_path *path)
{
	struct merkle tree;

	merkle_init(&tree);
	for (size_t i = 0; i < range.size; i++)
		merkle_add_hash(&tree, range.leaves[i]);
	merkle_root(&tree, path->hashes[path->len++]);
	merkle_release(&tree);
}

/* Goes down to the leaf; the path is told from there up. */
static void collect(struct range range, size_t index, struct inclusion_path *path)
{
	size_t split;

	if (range.size == 1)
		return;
	split = split_of(range.size);
	if (index < split) {
		collect(left_of(range), index, path);
		append_root(right_of(range), path);
	} else {
		collect(right_of(range), index - split, path);
		append_root(left_of(range), path);
	}
}

bool inclusion_prove(const inclusion_hash *leaves, size_t size, size_t index,
		     struct inclusion_path *path)
{
	path->len = 0;
	if (index >= size)
		return false;
	collect((struct range){leaves, size}, index, path);
	return true;
}

/* SUBPROOF of RFC 9162; known: the verifier has this subtree's root, it is the old tree. */
static void collect_growth(struct range range, size_t old_size, bool known,
			   struct inclusion_path *path)
{
	size_t split;

	if (old_size == range.size) {
		if (!known)
			append_root(range, path);
		return;
	}
	split = split_of(range.size);
	if (old_size <= split) {
		collect_growth(left_of(range), old_size, known, path);
		append_root(right_of(range), path);
	} else {
		collect_growth(right_of(range), old_size - split, false, path);
		append_root(left_of(range), path);
	}
}

bool inclusion_prove_growth(const inclusion_hash *leaves, size_t old_size, size_t size,
			    struct inclusion_path *path)
{
	path->len = 0;
	if (old_size == 0 || old_size > size)
		return false;
	collect_growth((struct range){leaves, size}, old_size, true, path);
	return true;
}

/*
 * Where a walk up the tree stands: the node's number in its level, and the last node's. The walk is
 * over at the root, where last is 0.
 */
struct climb {
	uint64_t node, last;
};

/* The next hash of the path stands to the left: the node is a right child, or the last one. */
static bool sibling_is_left(const struct climb *climb)
{
	return (climb->node & 1) != 0 || climb->node == climb->last;
}

static void climb_level(struct climb *climb)
{
	climb->node >>= 1;
	climb->last >>= 1;
}

/* A last node without a sibling is promoted, level by level, until it is a right child. */
static void climb_promoted(struct climb *climb)
{
	while ((climb->node & 1) == 0 && climb->node != 0)
		climb_level(climb);
}

bool inclusion_check(const inclusion_hash leaf, uint64_t index, uint64_t size,
		     const struct inclusion_path *path, const inclusion_hash root)
{
	struct climb climb = {index, size - 1};
	inclusion_hash node;

	if (index >= size || path->len > INCLUSION_PATH_MAX)
		return false;
	memcpy(node, leaf, DIGEST_SIZE);
	for (size_t i = 0; i < path->len; i++) {
		if (climb.last == 0)
			return false;
		if (sibling_is_left(&climb)) {
			merkle_node(path->hashes[i], node, node);
			climb_promoted(&climb);
		} else {
			merkle_node(node, path->hashes[i], node);
		}
		climb_level(&climb);
	}
	return climb.last == 0 && memcmp(node, root, DIGEST_SIZE) == 0;
}

/* Both roots from one path, starting at a subtree that both trees have. */
static bool check_climb(struct climb climb, const inclusion_hash start,
			const inclusion_hash old_root, const inclusion_hash root,
			const inclusion_hash *hashes, size_t count)
{
	inclusion_hash before, after;

	memcpy(before, start, DIGEST_SIZE);
	memcpy(after, start, DIGEST_SIZE);
	for (size_t i = 0; i < count; i++) {
		if (climb.last == 0)
			return false;
		if (sibling_is_left(&climb)) {
			merkle_node(hashes[i], before, before);
			merkle_node(hashes[i], after, after);
			climb_promoted(&climb);
		} else {
			merkle_node(after, hashes[i], after);
		}
		climb_level(&climb);
	}
	return climb.last == 0 && memcmp(before, old_root, DIGEST_SIZE) == 0 &&
	       memcmp(after, root, DIGEST_SIZE) == 0;
}

bool inclusion_check_growth(uint64_t old_size, const inclusion_hash old_root, uint64_t size,
			    const inclusion_hash root, const struct inclusion_path *path)
{
	struct climb climb = {old_size - 1, size - 1};

	if (old_size == 0 || old_size > size || path->len > INCLUSION_PATH_MAX)
		return false;
	if (old_size == size)
		return path->len == 0 && memcmp(old_root, root, DIGEST_SIZE) == 0;
	if (path->len == 0)
		return false;
	while ((climb.node & 1) != 0)
		climb_level(&climb);
	/* A whole old tree is a subtree of the new one, and its root is known already. */
	if ((old_size & (old_size - 1)) == 0)
		return check_climb(climb, old_root, old_root, root, path->hashes, path->len);
	return check_climb(climb, path->hashes[0], old_root, root, path->hashes + 1, path->len - 1);
}
