/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The readers of notes, leaves, log proofs, prune records and settings on any bytes. What one of
 * them takes, its writer gives back: byte for byte a leaf and a log proof, and a note its text.
 */
#include "stages/archive/leaf.h"
#include "stages/archive/note.h"
#include "stages/archive/prune_record.h"
#include "stages/archive/settings.h"
#include "stages/verify/log_proof.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void expect(const struct buf *written, struct span read)
{
	if (written->len != read.len || memcmp(written->data, read.at, read.len) != 0)
		abort();
}

static void try_note(struct span text)
{
	static const uint8_t key_hash[NOTE_KEY_HASH_SIZE];
	uint8_t signature[NOTE_SIGNATURE_SIZE];
	struct buf written BUF_CLEANUP;
	struct fault fault;
	struct note note;

	buf_init(&written, NOTE_LEN_MAX);
	if (note_read(text, &note, &fault) != FAULT_NONE)
		return;
	note_write_text(&note.checkpoint, &written);
	expect(&written, note.text);
	(void)note_find_signature(&note, key_hash, signature);
}

static void try_leaf(struct span text)
{
	struct buf written BUF_CLEANUP;
	struct fault fault;
	struct leaf leaf;

	buf_init(&written, LEAF_LEN_MAX);
	if (leaf_read(text, &leaf, &fault) != FAULT_NONE)
		return;
	leaf_write(&leaf, &written);
	expect(&written, text);
}

static void try_log_proof(struct span text)
{
	struct buf written BUF_CLEANUP;
	struct log_proof proof;
	struct fault fault;

	buf_init(&written, LOG_PROOF_MAX);
	if (log_proof_read(text, &proof, &fault) == FAULT_NONE) {
		log_proof_write(&proof, &written);
		expect(&written, text);
		(void)!log_proof_check(&proof, &fault);
	}
	log_proof_release(&proof);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span text = {(const char *)data, len};
	struct prune_record record;
	struct settings settings;
	struct fault fault;

	try_note(text);
	try_leaf(text);
	try_log_proof(text);
	(void)!prune_record_read(text, &record, &fault);
	(void)!settings_read(text, &settings, &fault);
	return 0;
}
