/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_CHAIN_H
#define SEAL_CHAIN_H

#include "ipc/buf.h"
#include "stages/seal/digest.h"
#include "stages/seal/head.h"
#include "stages/seal/merkle.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The hash chain over events, and the Merkle tree over the complete ones (safe-run-report(5)).
 * hashSelf is SHA-256 of the canonical event without hashSelf; the first hashPrev is 64 zeros.
 */
struct chain {
	char last[DIGEST_TEXT_SIZE]; /* hashSelf of the last event: what the next hashPrev must be
				      */
	struct digest *self;	     /* owned: the running hash each event reuses */
	struct merkle tree;	     /* tree.count is the number of events */
};

void chain_init(struct chain *chain);
void chain_release(struct chain *chain);

/* Link a travelling event and append its complete form, without LF, to out. */
void chain_seal(struct chain *chain, const struct head *head, struct buf *out);

/* What is wrong with a sealed event as the next link. */
enum chain_break {
	CHAIN_WHOLE,
	CHAIN_PREV, /* hashPrev is not the hashSelf before */
	CHAIN_SELF, /* hashSelf is not the hash of the event */
};

/*
 * Take a sealed event as the next link, whatever is wrong with it, so that the break is found where
 * it is and not again at every event behind it: the next hashPrev is held against the hashSelf the
 * event claims. The tree gets the event as it is.
 */
enum chain_break chain_check(struct chain *chain, const struct head *head);

void chain_root(const struct chain *chain, char out[DIGEST_TEXT_SIZE]);

#endif
