/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_MERKLE_H
#define SEAL_MERKLE_H

#include "stages/seal/digest.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The Merkle tree of RFC 6962 section 2.1 over entries given one by one: leaf SHA-256(0x00 ||
 * entry), node SHA-256(0x01 || left || right), an odd last node promoted, never duplicated. Only
 * the roots of the whole subtrees so far are kept: one per set bit of count.
 */
#define MERKLE_LEVEL_MAX 64

struct merkle {
	uint64_t count;
	struct digest *leaf; /* owned: the running hash each leaf reuses */
	uint8_t subtree[MERKLE_LEVEL_MAX][DIGEST_SIZE];
};

void merkle_init(struct merkle *merkle);
void merkle_release(struct merkle *merkle);
void merkle_add(struct merkle *merkle, const void *entry, size_t len);
/* As merkle_add, for a leaf whose hash is known. */
void merkle_add_hash(struct merkle *merkle, const uint8_t hash[DIGEST_SIZE]);
/* The root over the entries so far; SHA-256 of nothing when there is none. */
void merkle_root(const struct merkle *merkle, uint8_t out[DIGEST_SIZE]);

/* The hash of one leaf, and of the node over two; out may be left or right. */
void merkle_leaf(const void *entry, size_t len, uint8_t out[DIGEST_SIZE]);
void merkle_node(const uint8_t left[DIGEST_SIZE], const uint8_t right[DIGEST_SIZE],
		 uint8_t out[DIGEST_SIZE]);

#endif
