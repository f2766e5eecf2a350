/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROVE_PROOF_H
#define PROVE_PROOF_H

#include "ipc/buf.h"
#include "ipc/fault.h"
#include "stages/seal/head.h"
#include "stages/seal/span.h"
#include "stages/verify/inclusion.h"

#include <stdint.h>

/*
 * <n>.proof.json (safe-run-proof(5)): one event of a report, the way from it to the report's Merkle
 * root, and the same for the closing event. An inclusion path binds a leaf's place but not how many
 * leaves there are; the closing event, which is the last and counts them, does.
 */
#define PROOF_SCHEMA "safe-run.proof/v1"

/* An event and its path. */
struct proof_leaf {
	struct span event;
	struct inclusion_path path;
};

struct proof {
	struct proof_leaf subject;
	struct proof_leaf closing;
	uint64_t index; /* of the subject */
	uint64_t size;	/* events of the report */
	inclusion_hash root;
	struct span digest; /* the report's, "sha256:..." */
	struct span run_id;
};

/*
 * Read text, which canon_check has accepted, as a proof: members, types, hashes and counts. Whether
 * it proves anything is proof_check's to say. Everything is borrowed from text.
 */
enum fault_code proof_read(struct span text, struct proof *proof, struct fault *fault)
	__attribute__((warn_unused_result));

/* The canonical bytes, without a final LF. out overflows when there is no room. */
void proof_write(const struct proof *proof, struct buf *out);

/* One sealed event by itself: its form, its hashSelf, the run it belongs to and its place. */
enum fault_code proof_check_event(const struct proof *proof, const struct proof_leaf *leaf,
				  uint64_t index, struct head *head, struct fault *fault)
	__attribute__((warn_unused_result));
/* The subject is leaf number index under root, in a tree of size leaves. */
enum fault_code proof_check_path(const struct proof *proof, struct fault *fault)
	__attribute__((warn_unused_result));
/* The last of size leaves is an event that ends the run and counts size events. */
enum fault_code proof_check_size(const struct proof *proof, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
