/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/prove/make.h"

#include "stages/prove/proof.h"
#include "stages/seal/merkle.h"
#include "stages/verify/check.h"
#include "stages/verify/hash_text.h"

#include <inttypes.h>
#include <stdlib.h>

/* The hashes of all events, and where two of them lie. */
struct leaves {
	inclusion_hash *hashes; /* owned */
	size_t count;
	struct span wanted, last;
};

static enum fault_code check_whole(struct span text, struct fault *fault)
{
	struct verdict verdict = {0};

	check_report(text, &verdict);
	if (verdict_valid(&verdict))
		return FAULT_NONE;
	if (verdict.faults.count > 0)
		*fault = verdict.faults.items[0];
	else
		fault_set(fault, FAULT_REPORT_SCHEMA, "report", "the report is not valid");
	return fault->code;
}

static void hash_events(struct span events, size_t index, struct leaves *leaves)
{
	struct span_walk walk;
	struct span event;
	size_t capacity = 0;

	if (!span_walk_array(events, &walk))
		return;
	while (span_next_element(&walk, &event)) {
		if (leaves->count == capacity) {
			capacity = capacity == 0 ? 64 : 2 * capacity;
			leaves->hashes =
				reallocarray(leaves->hashes, capacity, sizeof(leaves->hashes[0]));
			if (leaves->hashes == NULL)
				buf_no_memory();
		}
		if (leaves->count == index)
			leaves->wanted = event;
		leaves->last = event;
		merkle_leaf(event.at, event.len, leaves->hashes[leaves->count++]);
	}
}

static enum fault_code fill(struct span text, uint64_t index, const struct leaves *leaves,
			    struct proof *proof, struct fault *fault)
{
	struct span integrity = span_get(text, "integrity");
	struct span root;

	*proof = (struct proof){
		.subject.event = leaves->wanted,
		.closing.event = leaves->last,
		.index = index,
		.size = leaves->count,
	};
	if (index >= leaves->count)
		return fault_set(fault, FAULT_REPORT_SCHEMA, "event",
				 "the report has the events 0 to %zu", leaves->count - 1);
	if (!span_string(span_get(integrity, "merkleRoot"), &root) ||
	    !hash_text_read(root, proof->root) ||
	    !span_string(span_get(integrity, "digest"), &proof->digest) ||
	    !span_string(span_get(text, "runId"), &proof->run_id) ||
	    !inclusion_prove((const inclusion_hash *)leaves->hashes, leaves->count, (size_t)index,
			     &proof->subject.path) ||
	    !inclusion_prove((const inclusion_hash *)leaves->hashes, leaves->count,
			     leaves->count - 1, &proof->closing.path))
		return fault_set(fault, FAULT_REPORT_SCHEMA, "integrity", "cannot be used");
	return FAULT_NONE;
}

enum fault_code make_proof(struct span text, uint64_t index, struct buf *out, struct fault *fault)
{
	struct leaves leaves = {0};
	struct proof proof;
	enum fault_code code = check_whole(text, fault);

	if (code == FAULT_NONE) {
		hash_events(span_get(text, "events"), (size_t)index, &leaves);
		code = fill(text, index, &leaves, &proof, fault);
	}
	if (code == FAULT_NONE)
		proof_write(&proof, out);
	free(leaves.hashes);
	if (code == FAULT_NONE && out->overflowed)
		code = fault_set(fault, FAULT_EVIDENCE_REPORT, "prove", "the proof is too long");
	return code;
}
