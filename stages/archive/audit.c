/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/audit.h"

#include "stages/archive/body.h"
#include "stages/archive/checkpoint.h"
#include "stages/archive/prune_record.h"
#include "stages/seal/merkle.h"
#include "stages/verify/note_signer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct checklist_item items[AUDIT_CHECK_COUNT] = {
	[AUDIT_LEAVES] = {"leaves", FAULT_REPORT_SCHEMA},
	[AUDIT_CHECKPOINT] = {"checkpoint", FAULT_REPORT_SCHEMA},
	[AUDIT_ROOT] = {"root", FAULT_REPORT_CHAIN},
	[AUDIT_COVERED] = {"covered", FAULT_REPORT_INCOMPLETE},
	[AUDIT_BODIES] = {"bodies", FAULT_REPORT_HASH},
	[AUDIT_STRAYS] = {"strays", FAULT_REPORT_CHAIN},
	[AUDIT_PRUNES] = {"prunes", FAULT_REPORT_SCHEMA},
	[AUDIT_SIGNATURE] = {"signature", FAULT_REPORT_SIGNATURE},
	[AUDIT_SINCE] = {"since", FAULT_REPORT_CHAIN},
};

void audit_init(struct audit *audit, struct archive *archive)
{
	*audit = (struct audit){.archive = archive, .now = archive_now()};
	checklist_init(&audit->list, items, AUDIT_CHECK_COUNT);
	for (size_t check = 0; check < AUDIT_SIGNATURE; check++)
		checklist_ask(&audit->list, check);
}

void audit_release(struct audit *audit)
{
	free(audit->hashes);
	references_release(&audit->bodies);
	references_release(&audit->bundles);
	buf_release(&audit->checkpoint_text);
}

static void keep_hash(struct audit *audit, struct span line)
{
	if (audit->count == audit->capacity) {
		audit->capacity = audit->capacity == 0 ? 256 : 2 * audit->capacity;
		audit->hashes =
			reallocarray(audit->hashes, audit->capacity, sizeof(audit->hashes[0]));
		if (audit->hashes == NULL)
			buf_no_memory();
	}
	merkle_leaf(line.at, line.len, audit->hashes[audit->count++]);
}

static void take_leaf(struct audit *audit, struct span line)
{
	struct leaf_body bundle = {.len = 0};
	struct fault fault, placed;
	struct leaf leaf;
	uint64_t ends;

	if (leaf_read(line, &leaf, &fault) != FAULT_NONE) {
		fault_set(&placed, fault.code, ARCHIVE_LEAVES, "line %zu, %s: %s", audit->count + 1,
			  fault.path, fault.message);
		checklist_refuse(&audit->list, AUDIT_LEAVES, &placed);
		return;
	}
	memcpy(audit->stored_at, leaf.stored_at, sizeof(audit->stored_at));
	ends = retention_end(leaf.stored_at, leaf.retention);
	references_add(&audit->bodies, &leaf.report, ends, audit->count);
	if (leaf.is_signed)
		references_add(&audit->bodies, &leaf.signature, ends, audit->count);
	if (body_name_read(leaf.bundle_id + strlen("sb-"), bundle.hash))
		references_add(&audit->bundles, &bundle, ends, audit->count);
}

static void find_twins(struct audit *audit)
{
	const struct reference *items_sorted;

	references_sort(&audit->bundles);
	items_sorted = audit->bundles.items;
	for (size_t i = 1; i < audit->bundles.count; i++)
		if (memcmp(items_sorted[i].hash, items_sorted[i - 1].hash, DIGEST_SIZE) == 0)
			checklist_refuse_at(&audit->list, AUDIT_LEAVES, ARCHIVE_LEAVES,
					    "lines %" PRIu64 " and %" PRIu64 " are the same bundle",
					    items_sorted[i - 1].number + 1,
					    items_sorted[i].number + 1);
}

enum fault_code audit_leaves(struct audit *audit, struct fault *fault)
{
	struct ledger_walk walk;
	struct span line;
	uint64_t offset;

	fault->code = FAULT_NONE;
	ledger_walk_init(&walk, &audit->archive->leaves, 0);
	while (ledger_next(&walk, &line, &offset, fault)) {
		take_leaf(audit, line);
		keep_hash(audit, line);
	}
	ledger_walk_release(&walk);
	find_twins(audit);
	checklist_pass(&audit->list, AUDIT_LEAVES);
	return fault->code;
}

static void root_of(const struct audit *audit, size_t size, inclusion_hash root)
{
	struct merkle tree;

	merkle_init(&tree);
	for (size_t i = 0; i < size; i++)
		merkle_add_hash(&tree, audit->hashes[i]);
	merkle_root(&tree, root);
	merkle_release(&tree);
}

static void check_root(struct audit *audit)
{
	const struct note_checkpoint *checkpoint = &audit->checkpoint.checkpoint;
	inclusion_hash root;

	if (checkpoint->size > audit->count) {
		checklist_refuse_at(&audit->list, AUDIT_ROOT, ARCHIVE_LEAVES,
				    "the checkpoint covers %" PRIu64 " leaves and %zu are here",
				    checkpoint->size, audit->count);
		return;
	}
	root_of(audit, (size_t)checkpoint->size, root);
	if (memcmp(root, checkpoint->root, DIGEST_SIZE) != 0)
		checklist_refuse_at(&audit->list, AUDIT_ROOT, ARCHIVE_LEAVES,
				    "not the %" PRIu64 " leaves the checkpoint covers: some were "
				    "changed, taken out, put in or moved",
				    checkpoint->size);
	checklist_pass(&audit->list, AUDIT_ROOT);
	if (checkpoint->size < audit->count)
		checklist_refuse_at(&audit->list, AUDIT_COVERED, ARCHIVE_CHECKPOINT,
				    "the last %" PRIu64 " of %zu leaves are in no checkpoint: "
				    "safe-run archive checkpoint --key signs them",
				    audit->count - checkpoint->size, audit->count);
	checklist_pass(&audit->list, AUDIT_COVERED);
}

enum fault_code audit_checkpoint(struct audit *audit, struct fault *fault)
{
	enum fault_code code = checkpoint_load(audit->archive, &audit->checkpoint_text,
					       &audit->checkpoint, &audit->has_checkpoint, fault);

	if (code == FAULT_ARCHIVE)
		return code;
	if (!audit->has_checkpoint && audit->count == 0) {
		/* Nothing was ever added: there is nothing to cover. */
		for (size_t check = AUDIT_CHECKPOINT; check <= AUDIT_COVERED; check++)
			checklist_pass(&audit->list, check);
		return FAULT_NONE;
	}
	if (!audit->has_checkpoint)
		checklist_refuse_at(&audit->list, AUDIT_CHECKPOINT, ARCHIVE_CHECKPOINT,
				    "there is none");
	else if (code != FAULT_NONE)
		checklist_refuse(&audit->list, AUDIT_CHECKPOINT, fault);
	if (!audit->has_checkpoint || code != FAULT_NONE) {
		audit->has_checkpoint = false;
		return FAULT_NONE;
	}
	audit_origin(audit, audit->archive->settings.origin);
	checklist_pass(&audit->list, AUDIT_CHECKPOINT);
	check_root(audit);
	return FAULT_NONE;
}

void audit_origin(struct audit *audit, const char *origin)
{
	const char *found = audit->has_checkpoint ? audit->checkpoint.checkpoint.origin
						  : audit->archive->settings.origin;

	if (strcmp(found, origin) != 0)
		checklist_refuse_at(&audit->list, AUDIT_CHECKPOINT, ARCHIVE_CHECKPOINT,
				    "the origin is %s and not %s: another archive's", found,
				    origin);
}

static bool given(const struct audit_keys *keys)
{
	return keys->count > 0 || keys->trusted != NULL;
}

static const char *named_signer(const struct audit *audit, const struct note *note,
				const struct audit_keys *keys, struct fault *fault)
{
	for (size_t i = 0; i < keys->count; i++) {
		const struct keyring_key *entry;
		const char *keyid = keys->named[i].keyid;

		if (archive_key_check_note(&keys->named[i], note, fault) != FAULT_NONE)
			continue;
		entry = keys->trusted == NULL ? NULL : keyring_find(keys->trusted, keyid);
		if (entry == NULL || keyring_admit(entry, KEY_PURPOSE_ARCHIVE, audit->stored_at,
						   fault) == FAULT_NONE)
			return keyid;
	}
	return NULL;
}

/* The id of the key that signed, or NULL with a reason. */
static const char *signer_of(const struct audit *audit, const struct note *note,
			     const struct audit_keys *keys, struct fault *fault)
{
	const struct keyring_key *signer;

	if (keys->count > 0)
		return named_signer(audit, note, keys, fault);
	if (note_signer_find(note, keys->trusted, audit->stored_at, &signer, fault) != FAULT_NONE)
		return NULL;
	if (signer != NULL)
		return signer->key.keyid;
	fault_set(fault, FAULT_ARCHIVE, ARCHIVE_CHECKPOINT,
		  "no key that is trusted here for the purpose 'archive' has signed in the name "
		  "of %s",
		  note->checkpoint.origin);
	return NULL;
}

void audit_signature(struct audit *audit, const struct audit_keys *keys)
{
	struct fault fault;

	checklist_ask(&audit->list, AUDIT_SIGNATURE);
	if (!audit->has_checkpoint) {
		if (audit->count > 0)
			checklist_refuse_at(&audit->list, AUDIT_SIGNATURE, ARCHIVE_CHECKPOINT,
					    "there is no checkpoint that could be signed");
		return;
	}
	audit->signed_by = signer_of(audit, &audit->checkpoint, keys, &fault);
	if (audit->signed_by == NULL) {
		checklist_refuse(&audit->list, AUDIT_SIGNATURE, &fault);
		return;
	}
	checklist_pass(&audit->list, AUDIT_SIGNATURE);
}

/* What is wrong with an older checkpoint of this archive; NULL when nothing is. */
static const char *difference(const struct audit *audit, const struct note_checkpoint *older)
{
	const struct note_checkpoint *newer = &audit->checkpoint.checkpoint;
	struct inclusion_path path;

	if (strcmp(older->origin, newer->origin) != 0)
		return "the older checkpoint is another archive's";
	if (older->size == 0)
		return "the older checkpoint covers no leaf: it says nothing about any";
	if (older->size > newer->size)
		return "the archive's checkpoint covers less than the older one: leaves were "
		       "removed, or an old copy was put back";
	if (newer->size > audit->count)
		return "leaves are missing";
	if (!inclusion_prove_growth((const inclusion_hash *)audit->hashes, (size_t)older->size,
				    (size_t)newer->size, &path) ||
	    !inclusion_check_growth(older->size, older->root, newer->size, newer->root, &path))
		return "the leaves the older checkpoint covers are not the ones here: some were "
		       "changed, taken out, put in or moved since";
	return NULL;
}

void audit_since(struct audit *audit, struct span older, const struct audit_keys *keys)
{
	struct fault fault, placed;
	struct note note;
	const char *differs;

	checklist_ask(&audit->list, AUDIT_SINCE);
	if (note_read(older, &note, &fault) != FAULT_NONE ||
	    (given(keys) && signer_of(audit, &note, keys, &fault) == NULL)) {
		fault_set(&placed, fault.code, "since", "%s", fault.message);
		checklist_refuse(&audit->list, AUDIT_SINCE, &placed);
		return;
	}
	if (!audit->has_checkpoint) {
		checklist_refuse_at(&audit->list, AUDIT_SINCE, ARCHIVE_CHECKPOINT,
				    "there is no checkpoint that could have grown from it");
		return;
	}
	differs = difference(audit, &note.checkpoint);
	if (differs != NULL)
		checklist_refuse_at(&audit->list, AUDIT_SINCE, "since", "%s", differs);
	else
		checklist_pass(&audit->list, AUDIT_SINCE);
}

/* A record of something removed too early is worth as much as the removal. */
static void check_prune(struct audit *audit, struct span line, size_t number)
{
	struct prune_record record;
	const struct reference *bundle;
	uint8_t hash[DIGEST_SIZE];
	struct fault fault;
	uint64_t pruned;

	if (prune_record_read(line, &record, &fault) != FAULT_NONE) {
		checklist_refuse_at(&audit->list, AUDIT_PRUNES, ARCHIVE_PRUNES, "line %zu: %s",
				    number, fault.message);
		return;
	}
	bundle = body_name_read(record.bundle_id + strlen("sb-"), hash)
			 ? references_find(&audit->bundles, hash)
			 : NULL;
	if (bundle == NULL)
		checklist_refuse_at(&audit->list, AUDIT_PRUNES, ARCHIVE_PRUNES,
				    "line %zu is about a bundle that has no leaf", number);
	else if (!retention_moment(record.pruned_at, &pruned) || pruned < bundle->ends)
		checklist_refuse_at(&audit->list, AUDIT_PRUNES, ARCHIVE_PRUNES,
				    "line %zu: pruned before its time", number);
}

enum fault_code audit_prunes(struct audit *audit, struct fault *fault)
{
	struct ledger_walk walk;
	struct span line;
	uint64_t offset;
	size_t number = 0;

	fault->code = FAULT_NONE;
	if (audit->archive->prunes.fd >= 0) {
		ledger_walk_init(&walk, &audit->archive->prunes, 0);
		while (ledger_next(&walk, &line, &offset, fault))
			check_prune(audit, line, ++number);
		ledger_walk_release(&walk);
	}
	checklist_pass(&audit->list, AUDIT_PRUNES);
	return fault->code;
}
