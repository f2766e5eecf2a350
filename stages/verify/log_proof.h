/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_LOG_PROOF_H
#define VERIFY_LOG_PROOF_H

#include "ipc/buf.h"
#include "ipc/fault.h"
#include "stages/archive/leaf.h"
#include "stages/archive/note.h"
#include "stages/seal/span.h"
#include "stages/verify/inclusion.h"

#include <stdint.h>

/*
 * <bundleId>.log.json (safe-run-archive(5), LOG PROOFS): one leaf of an archive and the way from it
 * to the root of a signed checkpoint, which the proof carries. What sr-archive writes and sr-verify
 * reads.
 */
#define LOG_PROOF_SCHEMA "safe-run.log-proof/v1"
#define LOG_PROOF_MAX	 ((size_t)64 << 10) /* leaf, 64 hashes and a note: all fit */

struct log_proof {
	struct span line; /* the leaf as it stands in leaves.jsonl; borrowed */
	uint64_t index;
	uint64_t size; /* leaves the checkpoint covers */
	struct inclusion_path path;
	struct span checkpoint; /* the note's own bytes */
	/* Filled in by log_proof_read alone. */
	struct leaf leaf;
	struct note note;     /* borrows from note_text */
	struct buf note_text; /* owned */
};

/*
 * Read any bytes as a log proof: form, leaf and note, each as its own reader has it. Whether it
 * proves anything is not looked at. line is borrowed from text. log_proof_release after either
 * outcome.
 */
enum fault_code log_proof_read(struct span text, struct log_proof *proof, struct fault *fault)
	__attribute__((warn_unused_result));
void log_proof_release(struct log_proof *proof);

/* The canonical bytes, without a final LF. out overflows when there is no room. */
void log_proof_write(const struct log_proof *proof, struct buf *out);

/* The leaf is number index of the size leaves under the checkpoint's root. SR-EVD-303. */
enum fault_code log_proof_check(const struct log_proof *proof, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
