/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_RATCHET_H
#define SEAL_RATCHET_H

#include "stages/seal/digest.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Forward integrity: a key for each event, made from the one before by a function that cannot be
 * turned round, and one tag for all of them (Bellare and Yee 1997; Schneier and Kelsey 1999; Ma and
 * Tsudik, FssAgg, 2009). With D(x) the text "safe-run.forward/v1 x" and its NUL, || joining, i as
 * eight bytes, the highest first, and SHA-256 below both:
 *
 *   K[0]   = HMAC(key, D(start) || runId)       A[0]   = SHA256(D(origin) || runId)
 *   tag[i] = HMAC(K[i], D(event) || i || event) A[i+1] = SHA256(D(aggregate) || A[i] || tag[i])
 *   K[i+1] = HMAC(K[i], D(evolve))
 *   closed: tag = HMAC(K[n], D(close) || n), and into the aggregate as any other.
 *
 * event is the complete canonical event without its LF. Every variable part but the last has one
 * length, so no two inputs are the same bytes. Only K[i] and A[i] exist at a time.
 *
 * Whoever gets hold of both at n can go on from there. He cannot alter, swap, leave out or double
 * an event before n, for K[i] cannot be had from K[n], nor tag[i] without it; he cannot cut any of
 * them off, for A[m] cannot be had from A[n]; and where he has an A[m] from an earlier look at what
 * was stored, he lacks K[m], without which it is not closed.
 */
#define RATCHET_KEY_SIZE DIGEST_SIZE

struct ratchet {
	struct digest *running; /* owned */
	uint8_t key[RATCHET_KEY_SIZE];
	uint8_t aggregate[DIGEST_SIZE];
	uint64_t count; /* of events taken */
};

/* The caller erases key, of which nothing is kept. */
void ratchet_start(struct ratchet *ratchet, const uint8_t key[RATCHET_KEY_SIZE],
		   const char *run_id);
/* The next event. Its key is gone when this returns. */
void ratchet_take(struct ratchet *ratchet, const void *event, size_t len);
/* No event comes any more: the aggregate becomes the closed one, and there is no key. */
void ratchet_close(struct ratchet *ratchet);
/* Erases the key. */
void ratchet_release(struct ratchet *ratchet);

#endif
