/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/merkle.h"

#include <criterion/criterion.h>
#include <string.h>

/* The leaves and roots of certificate-transparency's tests, as RFC 6962 implementations share them.
 */
static const struct {
	const char *entry;
	size_t len;
	const char *root; /* of the tree up to this leaf */
} leaves[] = {
	{"", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
	{"\x00", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
	{"\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
	{"\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
	{"\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
	{"\x40\x41\x42\x43", 4, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
	{"\x50\x51\x52\x53\x54\x55\x56\x57", 8,
	 "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
	{"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
	 "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
};

static void expect_root(const struct merkle *merkle, const char *hex)
{
	char text[DIGEST_TEXT_SIZE];
	uint8_t root[DIGEST_SIZE];

	merkle_root(merkle, root);
	digest_text(root, text);
	cr_expect_str_eq(text + strlen("sha256:"), hex, "%zu leaves", (size_t)merkle->count);
}

Test(seal_merkle, rfc_6962_known_answers)
{
	struct merkle merkle;

	merkle_init(&merkle);
	expect_root(&merkle, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		merkle_add(&merkle, leaves[i].entry, leaves[i].len);
		expect_root(&merkle, leaves[i].root);
	}
	merkle_release(&merkle);
}

/* RFC 6962 section 2.1 as it is written: split at the largest power of two below n. */
static void root_by_definition(size_t first, size_t count, uint8_t out[DIGEST_SIZE])
{
	uint8_t node[1 + 2 * DIGEST_SIZE] = {1};
	size_t split = 1;

	if (count == 1) {
		uint8_t leaf[3] = {0, (uint8_t)first, (uint8_t)(first >> 8)};

		digest_bytes(leaf, sizeof(leaf), out);
		return;
	}
	while (split * 2 < count)
		split *= 2;
	root_by_definition(first, split, node + 1);
	root_by_definition(first + split, count - split, node + 1 + DIGEST_SIZE);
	digest_bytes(node, sizeof(node), out);
}

Test(seal_merkle, equals_the_definition_for_every_size)
{
	struct merkle merkle;

	merkle_init(&merkle);
	for (size_t count = 1; count <= 300; count++) {
		uint8_t entry[2] = {(uint8_t)(count - 1), (uint8_t)((count - 1) >> 8)};
		uint8_t expected[DIGEST_SIZE], root[DIGEST_SIZE];

		merkle_add(&merkle, entry, sizeof(entry));
		merkle_root(&merkle, root);
		root_by_definition(0, count, expected);
		cr_assert_arr_eq(root, expected, DIGEST_SIZE, "%zu leaves", count);
	}
	merkle_release(&merkle);
}

/* A node's two hashes offered as an entry do not give the node: the prefixes keep them apart. */
Test(seal_merkle, a_leaf_is_never_a_node)
{
	uint8_t left[DIGEST_SIZE], right[DIGEST_SIZE], both[2 * DIGEST_SIZE];
	uint8_t two[DIGEST_SIZE], one[DIGEST_SIZE];
	struct merkle merkle;

	digest_bytes("\0a", 2, left);
	digest_bytes("\0b", 2, right);
	memcpy(both, left, DIGEST_SIZE);
	memcpy(both + DIGEST_SIZE, right, DIGEST_SIZE);
	merkle_init(&merkle);
	merkle_add(&merkle, "a", 1);
	merkle_add(&merkle, "b", 1);
	merkle_root(&merkle, two);
	merkle_release(&merkle);
	merkle_init(&merkle);
	merkle_add(&merkle, both, sizeof(both));
	merkle_root(&merkle, one);
	merkle_release(&merkle);
	cr_expect(memcmp(one, two, DIGEST_SIZE) != 0);
}
