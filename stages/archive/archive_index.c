/* SPDX-License-Identifier: Apache-2.0 */
/* The index of an open archive: brought up to date, or made anew, from leaves and prune records. */
#include "stages/archive/archive.h"
#include "stages/archive/prune_record.h"

/* Adds the leaves that the index has not seen. One that cannot be read is verify's to complain of.
 */
static enum fault_code index_leaves(struct archive *archive, struct index_mark *mark,
				    struct fault *fault)
{
	struct ledger_walk walk;
	struct index_row row = {.number = mark->leaves};
	struct span line;
	enum fault_code code = FAULT_NONE;

	ledger_walk_init(&walk, &archive->leaves, mark->leaves_len);
	while (code == FAULT_NONE && ledger_next(&walk, &line, &row.offset, fault)) {
		struct leaf leaf;
		struct fault unread;

		if (leaf_read(line, &leaf, &unread) == FAULT_NONE)
			code = index_add(archive->index, &row, &leaf, fault);
		row.number++;
	}
	if (code == FAULT_NONE)
		code = fault->code;
	ledger_walk_release(&walk);
	mark->leaves = row.number;
	mark->leaves_len = archive->leaves.len;
	return code;
}

static enum fault_code index_prunes(struct archive *archive, struct index_mark *mark,
				    struct fault *fault)
{
	struct ledger_walk walk;
	struct span line;
	uint64_t offset;
	enum fault_code code = FAULT_NONE;

	if (archive->prunes.fd < 0)
		return FAULT_NONE;
	ledger_walk_init(&walk, &archive->prunes, mark->prunes_len);
	while (code == FAULT_NONE && ledger_next(&walk, &line, &offset, fault)) {
		struct prune_record record;
		struct fault unread;

		if (prune_record_read(line, &record, &unread) == FAULT_NONE)
			code = index_set_pruned(archive->index, record.bundle_id, fault);
	}
	if (code == FAULT_NONE)
		code = fault->code;
	ledger_walk_release(&walk);
	mark->prunes_len = archive->prunes.len;
	return code;
}

enum fault_code archive_catch_up(struct archive *archive, struct fault *fault)
{
	struct index_mark mark;
	enum fault_code code = index_mark_get(archive->index, &mark, fault);

	if (code != FAULT_NONE ||
	    (mark.leaves_len == archive->leaves.len && mark.prunes_len == archive->prunes.len))
		return code;
	code = index_begin(archive->index, fault);
	if (code != FAULT_NONE)
		return code;
	code = index_leaves(archive, &mark, fault);
	if (code == FAULT_NONE)
		code = index_prunes(archive, &mark, fault);
	if (code == FAULT_NONE)
		code = index_commit(archive->index, &mark, fault);
	if (code != FAULT_NONE)
		index_rollback(archive->index);
	return code;
}

static bool is_ahead(struct archive *archive)
{
	struct index_mark mark;
	struct fault fault;

	return index_mark_get(archive->index, &mark, &fault) == FAULT_NONE &&
	       (mark.leaves_len > archive->leaves.len || mark.prunes_len > archive->prunes.len);
}

enum fault_code archive_reindex(struct archive *archive, struct fault *fault)
{
	if (archive->index != NULL)
		index_close(archive->index);
	archive->index = NULL;
	if (index_forget(archive->fd, fault) != FAULT_NONE)
		return fault->code;
	archive->index = index_open(fault);
	return index_usable(archive->index) ? archive_catch_up(archive, fault) : fault->code;
}

enum fault_code archive_index(struct archive *archive, struct fault *fault)
{
	enum fault_code code;

	if (archive->index != NULL)
		return FAULT_NONE;
	archive->index = index_open(fault);
	if (!index_usable(archive->index))
		return index_damaged(archive->index) ? archive_reindex(archive, fault)
						     : fault->code;
	if (is_ahead(archive))
		return archive_reindex(archive, fault);
	code = archive_catch_up(archive, fault);
	return code != FAULT_NONE && index_damaged(archive->index) ? archive_reindex(archive, fault)
								   : code;
}
