/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/checkpoint.h"

#include "stages/archive/file.h"

#include <inttypes.h>
#include <string.h>

static enum fault_code wrong(struct fault *fault, const char *what)
{
	return fault_set(fault, FAULT_ARCHIVE, ARCHIVE_CHECKPOINT, "%s", what);
}

enum fault_code checkpoint_load(const struct archive *archive, struct buf *text, struct note *note,
				bool *known, struct fault *fault)
{
	enum fault_code code;

	buf_init(text, NOTE_LEN_MAX);
	code = file_load(archive->fd, ARCHIVE_CHECKPOINT, text, known, fault);
	if (code != FAULT_NONE || !*known)
		return code;
	return note_read((struct span){text->data, text->len}, note, fault);
}

/* Over the leaves from where the frontier stands, as far as size; less when there are fewer. */
static enum fault_code advance(const struct archive *archive, struct index_frontier *frontier,
			       uint64_t size, struct fault *fault)
{
	struct ledger_walk walk;
	struct span line;
	uint64_t offset;

	fault->code = FAULT_NONE;
	ledger_walk_init(&walk, &archive->leaves, frontier->leaves_len);
	while (frontier->tree.count < size && ledger_next(&walk, &line, &offset, fault)) {
		merkle_add(&frontier->tree, line.at, line.len);
		frontier->leaves_len = walk.offset;
	}
	ledger_walk_release(&walk);
	return fault->code;
}

static bool stands_at(const struct index_frontier *frontier,
		      const struct note_checkpoint *checkpoint)
{
	uint8_t root[DIGEST_SIZE];

	merkle_root(&frontier->tree, root);
	return frontier->tree.count == checkpoint->size &&
	       memcmp(root, checkpoint->root, DIGEST_SIZE) == 0;
}

/*
 * The tree that a checkpoint covers, from the index when it has it. The root decides: a frontier
 * that gives it is the right one, whoever wrote the index.
 */
static enum fault_code find_frontier(struct archive *archive,
				     const struct note_checkpoint *checkpoint,
				     struct index_frontier *frontier, struct fault *fault)
{
	struct fault unused;
	bool known = false;

	if (archive->index != NULL &&
	    index_frontier_get(archive->index, frontier, &known, &unused) == FAULT_NONE && known &&
	    frontier->leaves_len <= archive->leaves.len && stands_at(frontier, checkpoint))
		return FAULT_NONE;
	frontier->tree.count = 0;
	frontier->leaves_len = 0;
	if (advance(archive, frontier, checkpoint->size, fault) != FAULT_NONE)
		return fault->code;
	if (stands_at(frontier, checkpoint))
		return FAULT_NONE;
	return fault_set(fault, FAULT_ARCHIVE, ARCHIVE_LEAVES,
			 "not the %" PRIu64 " leaves of the checkpoint: some were changed, taken "
			 "out or put in; nothing is signed on top (safe-run archive verify)",
			 checkpoint->size);
}

/* The checkpoint before, when there is one: of this archive, and by a key that may go on from it.
 */
static enum fault_code load_previous(const struct archive *archive,
				     const struct archive_signer *signer,
				     const struct key_public *old_key,
				     struct note_checkpoint *previous, bool *known,
				     struct fault *fault)
{
	struct buf text BUF_CLEANUP;
	struct note note;
	struct fault unused;

	if (checkpoint_load(archive, &text, &note, known, fault) != FAULT_NONE)
		return fault->code;
	if (!*known)
		return FAULT_NONE;
	*previous = note.checkpoint;
	if (strcmp(previous->origin, archive->settings.origin) != 0)
		return wrong(fault, "of another archive");
	if (archive_key_check_note(&signer->key.public, &note, fault) == FAULT_NONE ||
	    (old_key != NULL && archive_key_check_note(old_key, &note, &unused) == FAULT_NONE))
		return FAULT_NONE;
	return fault->code;
}

enum fault_code checkpoint_check(const struct archive *archive, const struct archive_signer *signer,
				 struct fault *fault)
{
	struct note_checkpoint previous;
	bool known;

	return load_previous(archive, signer, NULL, &previous, &known, fault);
}

static enum fault_code sign(struct archive *archive, const struct archive_signer *signer,
			    const struct note_checkpoint *checkpoint, struct fault *fault)
{
	uint8_t key_hash[NOTE_KEY_HASH_SIZE], signature[NOTE_SIGNATURE_SIZE];
	struct buf text BUF_CLEANUP;

	buf_init(&text, NOTE_LEN_MAX);
	note_write_text(checkpoint, &text);
	note_key_hash(checkpoint->origin, archive_key_bytes(&signer->key.public), key_hash);
	if (!archive_signer_sign(signer, (struct span){text.data, text.len}, signature))
		return wrong(fault, "cannot be signed");
	note_write_signature(checkpoint, key_hash, signature, &text);
	if (text.overflowed)
		return wrong(fault, "is too long");
	return file_replace(archive->fd, ARCHIVE_CHECKPOINT, (struct span){text.data, text.len},
			    fault);
}

/* A checkpoint that is signed stands, whatever becomes of the index: that can be made anew. */
static void keep_frontier(struct archive *archive, const struct index_frontier *frontier)
{
	struct fault unused;

	if (archive->index == NULL || index_begin(archive->index, &unused) != FAULT_NONE)
		return;
	if (index_frontier_set(archive->index, frontier, &unused) != FAULT_NONE ||
	    index_commit(archive->index, NULL, &unused) != FAULT_NONE)
		index_rollback(archive->index);
}

enum fault_code checkpoint_sign(struct archive *archive, const struct archive_signer *signer,
				const struct key_public *old_key, struct note_checkpoint *signed_as,
				struct fault *fault)
{
	struct index_frontier frontier = {.leaves_len = 0};
	struct note_checkpoint previous;
	enum fault_code code;
	bool known;

	merkle_init(&frontier.tree);
	code = load_previous(archive, signer, old_key, &previous, &known, fault);
	if (code == FAULT_NONE && known)
		code = find_frontier(archive, &previous, &frontier, fault);
	if (code == FAULT_NONE)
		code = advance(archive, &frontier, UINT64_MAX, fault);
	if (code == FAULT_NONE) {
		memcpy(signed_as->origin, archive->settings.origin, sizeof(signed_as->origin));
		signed_as->size = frontier.tree.count;
		merkle_root(&frontier.tree, signed_as->root);
		code = sign(archive, signer, signed_as, fault);
	}
	if (code == FAULT_NONE)
		keep_frontier(archive, &frontier);
	merkle_release(&frontier.tree);
	return code;
}
