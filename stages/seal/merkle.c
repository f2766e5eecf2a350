/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/merkle.h"

#include <string.h>

static void join(const uint8_t left[DIGEST_SIZE], const uint8_t right[DIGEST_SIZE],
		 uint8_t out[DIGEST_SIZE])
{
	uint8_t node[1 + 2 * DIGEST_SIZE];

	node[0] = 0x01;
	memcpy(node + 1, left, DIGEST_SIZE);
	memcpy(node + 1 + DIGEST_SIZE, right, DIGEST_SIZE);
	digest_bytes(node, sizeof(node), out);
}

void merkle_init(struct merkle *merkle)
{
	merkle->count = 0;
	merkle->leaf = digest_new();
}

void merkle_release(struct merkle *merkle)
{
	digest_free(merkle->leaf);
	merkle->leaf = NULL;
}

void merkle_add(struct merkle *merkle, const void *entry, size_t len)
{
	static const uint8_t leaf_prefix = 0x00;
	uint8_t node[DIGEST_SIZE];

	digest_reset(merkle->leaf);
	digest_update(merkle->leaf, &leaf_prefix, 1);
	digest_update(merkle->leaf, entry, len);
	digest_value(merkle->leaf, node);
	merkle_add_hash(merkle, node);
}

void merkle_add_hash(struct merkle *merkle, const uint8_t hash[DIGEST_SIZE])
{
	uint8_t node[DIGEST_SIZE];
	size_t level = 0;

	memcpy(node, hash, DIGEST_SIZE);
	for (; (merkle->count >> level & 1) != 0; level++)
		join(merkle->subtree[level], node, node);
	memcpy(merkle->subtree[level], node, DIGEST_SIZE);
	merkle->count++;
}

void merkle_root(const struct merkle *merkle, uint8_t out[DIGEST_SIZE])
{
	bool started = false;

	if (merkle->count == 0)
		digest_bytes("", 0, out);
	for (size_t level = 0; level < MERKLE_LEVEL_MAX; level++) {
		if ((merkle->count >> level & 1) == 0)
			continue;
		if (started)
			join(merkle->subtree[level], out, out);
		else
			memcpy(out, merkle->subtree[level], DIGEST_SIZE);
		started = true;
	}
}

void merkle_leaf(const void *entry, size_t len, uint8_t out[DIGEST_SIZE])
{
	static const uint8_t leaf_prefix = 0x00;
	struct digest *leaf = digest_new();

	digest_update(leaf, &leaf_prefix, 1);
	digest_update(leaf, entry, len);
	digest_value(leaf, out);
	digest_free(leaf);
}

void merkle_node(const uint8_t left[DIGEST_SIZE], const uint8_t right[DIGEST_SIZE],
		 uint8_t out[DIGEST_SIZE])
{
	join(left, right, out);
}
