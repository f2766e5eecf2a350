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
/* The root over the entries so far; SHA-256 of nothing when there is none. */
void merkle_root(const struct merkle *merkle, uint8_t out[DIGEST_SIZE]);

#endif
