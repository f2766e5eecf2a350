/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/inclusion.h"

#include "stages/seal/merkle.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MAX_TRIED 70
#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))

/* The leaves of certificate-transparency's tests, and the paths its verifiers are held against. */
static const struct {
	const char *entry;
	size_t len;
} entries[] = {
	{"", 0},
	{"\x00", 1},
	{"\x10", 1},
	{"\x20\x21", 2},
	{"\x30\x31", 2},
	{"\x40\x41\x42\x43", 4},
	{"\x50\x51\x52\x53\x54\x55\x56\x57", 8},
	{"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16},
};

#define LEAF_0	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
#define LEAF_1	"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
#define LEAF_4	"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
#define NODE_01 "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
#define NODE_23 "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
#define NODE_03 "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
#define NODE_45 "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
#define NODE_67 "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
#define NODE_47 "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"

static const struct {
	size_t index, size;
	const char *path[4];
} inclusions[] = {
	{0, 1, {NULL}},	   {0, 8, {LEAF_1, NODE_23, NODE_47}}, {5, 8, {LEAF_4, NODE_67, NODE_03}},
	{2, 3, {NODE_01}}, {1, 5, {LEAF_0, NODE_23, LEAF_4}},
};

static const struct {
	size_t old_size, size;
	const char *path[4];
} growths[] = {
	{1, 1, {NULL}},
	{1, 8, {LEAF_1, NODE_23, NODE_47}},
	{6, 8, {NODE_45, NODE_67, NODE_03}},
	{2, 5, {NODE_23, LEAF_4}},
};

static void expect_path(const struct inclusion_path *path, const char *const expected[4])
{
	size_t count = 0;

	for (; expected[count] != NULL; count++) {
		char text[DIGEST_TEXT_SIZE];

		digest_text(path->hashes[count], text);
		cr_expect_str_eq(text + strlen("sha256:"), expected[count]);
	}
	cr_expect_eq(path->len, count);
}

static void root_of(const inclusion_hash *leaves, size_t size, inclusion_hash root)
{
	struct merkle tree;

	merkle_init(&tree);
	for (size_t i = 0; i < size; i++)
		merkle_add_hash(&tree, leaves[i]);
	merkle_root(&tree, root);
	merkle_release(&tree);
}

Test(verify_inclusion, known_answers)
{
	inclusion_hash leaves[COUNT(entries)];
	struct inclusion_path path;

	for (size_t i = 0; i < COUNT(entries); i++)
		merkle_leaf(entries[i].entry, entries[i].len, leaves[i]);
	for (size_t i = 0; i < COUNT(inclusions); i++) {
		inclusion_hash root;

		cr_assert(inclusion_prove(leaves, inclusions[i].size, inclusions[i].index, &path));
		expect_path(&path, inclusions[i].path);
		root_of(leaves, inclusions[i].size, root);
		cr_expect(inclusion_check(leaves[inclusions[i].index], inclusions[i].index,
					  inclusions[i].size, &path, root));
	}
	for (size_t i = 0; i < COUNT(growths); i++) {
		inclusion_hash old_root, root;

		cr_assert(inclusion_prove_growth(leaves, growths[i].old_size, growths[i].size,
						 &path));
		expect_path(&path, growths[i].path);
		root_of(leaves, growths[i].old_size, old_root);
		root_of(leaves, growths[i].size, root);
		cr_expect(inclusion_check_growth(growths[i].old_size, old_root, growths[i].size,
						 root, &path));
	}
}

/* A tree whose leaves all differ. */
struct tree {
	inclusion_hash leaves[SIZE_MAX_TRIED];
	inclusion_hash roots[SIZE_MAX_TRIED + 1];
};

static void tree_make(struct tree *tree)
{
	for (size_t i = 0; i < SIZE_MAX_TRIED; i++) {
		uint8_t entry = (uint8_t)i;

		merkle_leaf(&entry, 1, tree->leaves[i]);
	}
	for (size_t size = 0; size <= SIZE_MAX_TRIED; size++)
		root_of(tree->leaves, size, tree->roots[size]);
}

/* Every leaf of every tree, 1, 2, powers of two and their neighbours among them. */
Test(verify_inclusion, what_is_made_is_accepted)
{
	struct inclusion_path path;
	struct tree tree;

	tree_make(&tree);
	for (size_t size = 1; size <= SIZE_MAX_TRIED; size++)
		for (size_t other = 0; other < size; other++) {
			cr_assert(inclusion_prove(tree.leaves, size, other, &path));
			cr_expect(inclusion_check(tree.leaves[other], other, size, &path,
						  tree.roots[size]),
				  "leaf %zu of %zu", other, size);
			cr_assert(inclusion_prove_growth(tree.leaves, other + 1, size, &path));
			cr_expect(inclusion_check_growth(other + 1, tree.roots[other + 1], size,
							 tree.roots[size], &path),
				  "%zu to %zu", other + 1, size);
		}
}

/* Whether index and size lead the same way up: then the same path is right for both. */
static bool same_way(size_t index, size_t size, size_t other_index, size_t other_size)
{
	size_t node = index, last = size - 1, other = other_index, other_last = other_size - 1;

	for (; last != 0 && other_last != 0; node >>= 1, last >>= 1, other >>= 1, other_last >>= 1)
		if ((node & 1) != (other & 1) || (node == last) != (other == other_last))
			return false;
	return last == other_last;
}

Test(verify_inclusion, another_index_or_size_is_refused)
{
	struct inclusion_path path;
	struct tree tree;

	tree_make(&tree);
	for (size_t size = 1; size <= 33; size++)
		for (size_t index = 0; index < size; index++) {
			const size_t sizes[] = {0, size - 1, size + 1, 2 * size, size / 2};

			cr_assert(inclusion_prove(tree.leaves, size, index, &path));
			for (size_t other = 0; other < 2 * size + 2; other++)
				cr_expect_eq(inclusion_check(tree.leaves[index], other, size, &path,
							     tree.roots[size]),
					     other == index, "index %zu for %zu of %zu", other,
					     index, size);
			for (size_t i = 0; i < COUNT(sizes); i++) {
				bool same =
					sizes[i] > index && same_way(index, size, index, sizes[i]);

				cr_expect(same || sizes[i] == size ||
						  !inclusion_check(tree.leaves[index], index,
								   sizes[i], &path,
								   tree.roots[size]),
					  "size %zu for %zu of %zu", sizes[i], index, size);
			}
			cr_expect_not(inclusion_check(tree.leaves[index], UINT64_MAX, size, &path,
						      tree.roots[size]));
			cr_expect_not(inclusion_check(tree.leaves[index], index, UINT64_MAX, &path,
						      tree.roots[size]));
		}
	cr_expect_not(inclusion_prove(tree.leaves, 0, 0, &path));
	cr_expect_not(inclusion_prove(tree.leaves, 7, 7, &path));
}

/*
 * A root does not say how many leaves it is over: a size whose way up from this leaf is the same is
 * served by the same path. That is why a proof of an event carries the closing event too
 * (tests/unit/prove_proof.c), and a checkpoint its size.
 */
Test(verify_inclusion, a_path_does_not_bind_the_size)
{
	struct inclusion_path path;
	struct tree tree;

	tree_make(&tree);
	cr_assert(inclusion_prove(tree.leaves, 7, 0, &path));
	cr_expect(inclusion_check(tree.leaves[0], 0, 8, &path, tree.roots[7]));
	cr_expect_not(inclusion_check(tree.leaves[0], 0, 8, &path, tree.roots[8]));
}

Test(verify_inclusion, every_bit_and_length_counts)
{
	struct inclusion_path path, changed;
	struct tree tree;

	tree_make(&tree);
	for (size_t size = 1; size <= 17; size++)
		for (size_t index = 0; index < size; index++) {
			cr_assert(inclusion_prove(tree.leaves, size, index, &path));
			for (size_t bit = 0; bit < path.len * DIGEST_SIZE * 8; bit++) {
				changed = path;
				changed.hashes[bit / 256][bit % 256 / 8] ^= (uint8_t)(1 << bit % 8);
				cr_expect_not(inclusion_check(tree.leaves[index], index, size,
							      &changed, tree.roots[size]));
			}
			for (size_t bit = 0; bit < 256; bit++) {
				inclusion_hash leaf, root;

				memcpy(leaf, tree.leaves[index], DIGEST_SIZE);
				memcpy(root, tree.roots[size], DIGEST_SIZE);
				leaf[bit / 8] ^= (uint8_t)(1 << bit % 8);
				root[bit / 8] ^= (uint8_t)(1 << bit % 8);
				cr_expect_not(inclusion_check(leaf, index, size, &path,
							      tree.roots[size]));
				cr_expect_not(inclusion_check(tree.leaves[index], index, size,
							      &path, root));
			}
			changed = path;
			memset(changed.hashes[changed.len++], 0, DIGEST_SIZE);
			cr_expect_not(inclusion_check(tree.leaves[index], index, size, &changed,
						      tree.roots[size]));
			for (changed = path; changed.len > 0;) {
				changed.len--;
				cr_expect_not(inclusion_check(tree.leaves[index], index, size,
							      &changed, tree.roots[size]));
			}
			changed = path;
			changed.len = INCLUSION_PATH_MAX + 1;
			cr_expect_not(inclusion_check(tree.leaves[index], index, size, &changed,
						      tree.roots[size]));
		}
}

/* The node over leaves 0 and 1 is no leaf of a smaller tree, whatever path comes with it. */
Test(verify_inclusion, a_node_is_no_leaf)
{
	uint8_t both[2 * DIGEST_SIZE];
	struct inclusion_path path;
	inclusion_hash node, as_leaf;
	struct tree tree;

	tree_make(&tree);
	merkle_node(tree.leaves[0], tree.leaves[1], node);
	memcpy(both, tree.leaves[0], DIGEST_SIZE);
	memcpy(both + DIGEST_SIZE, tree.leaves[1], DIGEST_SIZE);
	merkle_leaf(both, sizeof(both), as_leaf);
	cr_expect(memcmp(node, as_leaf, DIGEST_SIZE) != 0);
	cr_assert(inclusion_prove(tree.leaves, 4, 0, &path));
	memmove(path.hashes[0], path.hashes[1], DIGEST_SIZE);
	path.len = 1;
	cr_expect_not(inclusion_check(as_leaf, 0, 2, &path, tree.roots[4]));
	cr_expect_not(inclusion_check(node, 0, 4, &path, tree.roots[4]));
}

Test(verify_inclusion, growth_that_is_none)
{
	struct inclusion_path path, changed;
	struct tree tree;

	tree_make(&tree);
	cr_expect_not(inclusion_prove_growth(tree.leaves, 0, 5, &path));
	cr_expect_not(inclusion_prove_growth(tree.leaves, 6, 5, &path));
	for (size_t size = 1; size <= 33; size++)
		for (size_t old = 1; old <= size; old++) {
			const uint8_t *root = tree.roots[size], *old_root = tree.roots[old];

			cr_assert(inclusion_prove_growth(tree.leaves, old, size, &path));
			cr_expect_not(inclusion_check_growth(0, tree.roots[0], size, root, &path));
			cr_expect_not(inclusion_check_growth(0, old_root, size, root, &path));
			cr_expect(old == size ||
				  !inclusion_check_growth(size, root, old, old_root, &path));
			cr_expect(old == size ||
				  !inclusion_check_growth(old, root, size, old_root, &path));
			cr_expect_not(inclusion_check_growth(old, tree.roots[old - 1], size, root,
							     &path));
			changed = path;
			memset(changed.hashes[changed.len++], 0, DIGEST_SIZE);
			cr_expect_not(inclusion_check_growth(old, old_root, size, root, &changed));
			if (path.len == 0)
				continue;
			changed = path;
			changed.len--;
			cr_expect_not(inclusion_check_growth(old, old_root, size, root, &changed));
			changed.len = 0;
			cr_expect_not(inclusion_check_growth(old, old_root, size, root, &changed));
			for (size_t bit = 0; bit < path.len * DIGEST_SIZE * 8; bit++) {
				changed = path;
				changed.hashes[bit / 256][bit % 256 / 8] ^= (uint8_t)(1 << bit % 8);
				cr_expect_not(inclusion_check_growth(old, old_root, size, root,
								     &changed));
			}
		}
}

/* One leaf of an old tree changed: no path leads from the old root to the new one. */
Test(verify_inclusion, rewriting_is_no_growth)
{
	struct inclusion_path path;
	inclusion_hash root;
	struct tree tree;

	tree_make(&tree);
	for (size_t old = 1; old <= 20; old++)
		for (size_t touched = 0; touched < old; touched++) {
			tree.leaves[touched][0] ^= 1;
			root_of(tree.leaves, 21, root);
			cr_assert(inclusion_prove_growth(tree.leaves, old, 21, &path));
			cr_expect_not(inclusion_check_growth(old, tree.roots[old], 21, root, &path),
				      "leaf %zu of %zu", touched, old);
			tree.leaves[touched][0] ^= 1;
		}
}
