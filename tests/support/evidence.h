/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_EVIDENCE_H
#define SUPPORT_EVIDENCE_H

#include "ipc/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Event streams and reports for tests. Times are fixed, so the same call gives the same bytes.
 * Every function ends the test when something cannot be done.
 */
#define EVIDENCE_RUN_ID "sr-20260101-000000-0badcafe"
#define EVIDENCE_MAX	((size_t)64 << 20)

/* Append one event and LF. payload is a canonical object, bootNs and observedBy included. */
void evidence_event(struct buf *out, uint64_t seq, const char *stage, const char *type,
		    const char *payload);

/* A run that finished: 12 events, of every type such a run has. */
void evidence_finished(struct buf *out);
/* One of exactly count events, 2 at least: compile, run.failed, and samples between. */
void evidence_failed(struct buf *out, size_t count);

/* The report sr-seal would write for a stream (in this process, unconfined). */
void evidence_seal(const struct buf *stream, struct buf *report);

/*
 * What somebody can do who has the file and no key: every hashPrev, hashSelf, eventCount in
 * integrity, chainHead, merkleRoot and the digest computed again over the events as they are.
 * The report must still be JSON without spaces.
 */
void evidence_rehash(struct buf *report);
/* Only the digest. */
void evidence_redigest(struct buf *report);

/* Replace the nth occurrence (from 0; -1: all) of find. There must be one. */
void evidence_replace(struct buf *text, const char *find, const char *replace, int nth);

#endif
