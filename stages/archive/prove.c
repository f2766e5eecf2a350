/* SPDX-License-Identifier: Apache-2.0 */
/* prove: that a bundle is in the archive, for somebody who has the report and not the archive. */
#include "stages/archive/action.h"
#include "stages/archive/answer.h"
#include "stages/archive/checkpoint.h"
#include "stages/archive/lookup.h"
#include "stages/seal/merkle.h"
#include "stages/verify/log_proof.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The hashes of the leaves a checkpoint covers, and the one that is to be proved. */
struct covered {
	inclusion_hash *hashes; /* owned */
	size_t count, capacity;
	struct buf line; /* owned; empty until it has been met */
	size_t index;
};

static void keep_hash(struct covered *covered, struct span line)
{
	if (covered->count == covered->capacity) {
		covered->capacity = covered->capacity == 0 ? 256 : 2 * covered->capacity;
		covered->hashes = reallocarray(covered->hashes, covered->capacity,
					       sizeof(covered->hashes[0]));
		if (covered->hashes == NULL)
			buf_no_memory();
	}
	merkle_leaf(line.at, line.len, covered->hashes[covered->count++]);
}

static enum fault_code read_leaves(const struct archive *archive, uint64_t size, uint64_t wanted,
				   struct covered *covered, struct fault *fault)
{
	struct ledger_walk walk;
	struct span line;
	uint64_t offset;

	fault->code = FAULT_NONE;
	ledger_walk_init(&walk, &archive->leaves, 0);
	while (covered->count < size && ledger_next(&walk, &line, &offset, fault)) {
		if (offset == wanted) {
			covered->index = covered->count;
			buf_append(&covered->line, line.at, line.len);
		}
		keep_hash(covered, line);
	}
	ledger_walk_release(&walk);
	return fault->code;
}

/* What cannot be checked is not handed out. */
static enum fault_code fill(const struct covered *covered, struct log_proof *proof,
			    struct fault *fault)
{
	if (covered->line.len == 0)
		return fault_set(fault, FAULT_ARCHIVE, ARCHIVE_CHECKPOINT,
				 "the leaf is behind the %" PRIu64 " that the checkpoint covers: "
				 "safe-run archive checkpoint --key signs one over it",
				 proof->size);
	proof->line = (struct span){covered->line.data, covered->line.len};
	proof->index = covered->index;
	if (covered->count == proof->size &&
	    inclusion_prove((const inclusion_hash *)covered->hashes, covered->count, covered->index,
			    &proof->path) &&
	    log_proof_check(proof, fault) == FAULT_NONE)
		return FAULT_NONE;
	return fault_set(fault, FAULT_ARCHIVE, ARCHIVE_LEAVES,
			 "not the %" PRIu64 " leaves of the checkpoint: some were changed, taken "
			 "out or put in; nothing is proved (safe-run archive verify)",
			 proof->size);
}

static enum fault_code write_proof(const struct archive *archive, uint64_t offset, struct buf *out,
				   struct fault *fault)
{
	struct covered covered = {.count = 0};
	struct log_proof proof = {.index = 0};
	struct buf text BUF_CLEANUP;
	enum fault_code code;
	bool known = false;

	buf_init(&covered.line, LEAF_LEN_MAX);
	code = checkpoint_load(archive, &text, &proof.note, &known, fault);
	if (code == FAULT_NONE && !known)
		code = fault_set(fault, FAULT_ARCHIVE, ARCHIVE_CHECKPOINT, "there is none yet");
	if (code == FAULT_NONE) {
		proof.checkpoint = (struct span){text.data, text.len};
		proof.size = proof.note.checkpoint.size;
		code = read_leaves(archive, proof.size, offset, &covered, fault);
	}
	if (code == FAULT_NONE)
		code = fill(&covered, &proof, fault);
	if (code == FAULT_NONE)
		log_proof_write(&proof, out);
	free(covered.hashes);
	buf_release(&covered.line);
	if (code == FAULT_NONE && out->overflowed)
		code = fault_set(fault, FAULT_ARCHIVE, "archive", "the proof is too long");
	return code;
}

/* One bundle: a run that was archived twice is named by the bundle that is meant. */
static enum fault_code find(struct archive *archive, const struct lookup *lookup, uint64_t *offset,
			    struct fault *fault)
{
	struct lookup_rows rows = {.items = NULL};
	enum fault_code code = lookup_find(archive, lookup, &rows, fault);

	if (code == FAULT_NONE && rows.count == 1)
		*offset = rows.items[0].offset;
	else if (code == FAULT_NONE && rows.count == 0)
		code = fault_set(fault, FAULT_ARCHIVE, "archive", "holds nothing of the name %s",
				 lookup->id);
	else if (code == FAULT_NONE)
		code = fault_set(fault, FAULT_ARCHIVE, "id",
				 "%zu bundles of that run are archived: name one (safe-run archive "
				 "find)",
				 rows.count);
	lookup_release(&rows);
	return code;
}

enum stage_exit prove_run(struct stage_context *context, const struct action_input *input)
{
	struct lookup lookup = {.by = leaf_id_valid(input->id) ? LOOKUP_BUNDLE : LOOKUP_RUN,
				.id = input->id};
	struct buf out BUF_CLEANUP;
	struct archive archive;
	struct fault fault;
	enum stage_exit status = STAGE_DONE;
	uint64_t offset = 0;
	enum fault_code code;

	buf_init(&out, LOG_PROOF_MAX);
	if (lookup.by == LOOKUP_RUN && !runid_valid(input->id)) {
		fault_set(&fault, FAULT_ARCHIVE, "id",
			  "neither a bundle id (sb- and 64 hexadecimal digits) nor a run id");
		return answer_fault(context, &fault);
	}
	code = archive_open(&archive, input->archive_fd, ARCHIVE_ASK, NULL, &fault);
	if (code == FAULT_NONE)
		code = find(&archive, &lookup, &offset, &fault);
	if (code == FAULT_NONE)
		code = archive_share(&archive, &fault);
	if (code == FAULT_NONE)
		code = write_proof(&archive, offset, &out, &fault);
	archive_close(&archive);
	if (code != FAULT_NONE)
		return answer_fault(context, &fault);
	if (record_write_all(context->out.fd, out.data, out.len) != 0) {
		stage_complain(context->stage, "cannot write the proof");
		status = STAGE_FAILED;
	}
	return status;
}
