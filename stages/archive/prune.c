/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prune: bodies whose time has come are removed, leaves never. A body that two bundles share stays
 * until the later of them, which the leaves themselves say, not the index. The record is written
 * behind the removal: a crash between the two leaves a body gone whose time had come, and the next
 * prune writes the record.
 */
#include "ipc/object.h"
#include "stages/archive/action.h"
#include "stages/archive/answer.h"
#include "stages/archive/body.h"
#include "stages/archive/file.h"
#include "stages/archive/lookup.h"
#include "stages/archive/prune_record.h"
#include "stages/archive/references.h"

#include <json-c/json.h>
#include <string.h>

struct pruning {
	struct archive archive;
	struct references kept; /* by any leaf */
	uint64_t now;
	uint64_t bundles; /* pruned */
	uint64_t bodies;  /* removed */
	uint64_t bytes;	  /* of theirs */
};

static enum fault_code find_keepers(struct pruning *pruning, struct fault *fault)
{
	struct ledger_walk walk;
	struct span line;
	uint64_t offset;

	fault->code = FAULT_NONE;
	ledger_walk_init(&walk, &pruning->archive.leaves, 0);
	for (uint64_t number = 0; ledger_next(&walk, &line, &offset, fault); number++) {
		struct leaf leaf;
		struct fault unread;
		uint64_t ends;

		if (leaf_read(line, &leaf, &unread) != FAULT_NONE)
			continue;
		ends = retention_end(leaf.stored_at, leaf.retention);
		references_add(&pruning->kept, &leaf.report, ends, number);
		if (leaf.is_signed)
			references_add(&pruning->kept, &leaf.signature, ends, number);
	}
	ledger_walk_release(&walk);
	references_sort(&pruning->kept);
	return fault->code;
}

static enum fault_code remove_body(struct pruning *pruning, const struct leaf_body *body,
				   struct fault *fault)
{
	const struct archive *archive = &pruning->archive;
	const struct reference *longest = references_find(&pruning->kept, body->hash);

	if ((longest != NULL && longest->ends > pruning->now) ||
	    !body_exists(archive->bodies_fd, body))
		return FAULT_NONE;
	pruning->bodies++;
	pruning->bytes += body->len;
	return body_remove(archive->bodies_fd, body, fault);
}

static enum fault_code record(struct pruning *pruning, const struct leaf *leaf, struct fault *fault)
{
	struct prune_record pruned;
	struct buf line BUF_CLEANUP;

	memcpy(pruned.bundle_id, leaf->bundle_id, sizeof(pruned.bundle_id));
	event_timestamp_now(pruned.pruned_at);
	buf_init(&line, LEAF_LEN_MAX);
	prune_record_write(&pruned, &line);
	pruning->bundles++;
	return ledger_append(&pruning->archive.prunes, (struct span){line.data, line.len}, fault);
}

static enum fault_code prune_row(struct pruning *pruning, const struct index_row *row,
				 struct fault *fault)
{
	struct archive *archive = &pruning->archive;
	struct leaf leaf;

	if (archive_leaf(archive, row->offset, &leaf, fault) != FAULT_NONE)
		return fault->code;
	/* The leaf has the word, not the index that led here. */
	if (retention_end(leaf.stored_at, leaf.retention) > pruning->now)
		return FAULT_NONE;
	if (remove_body(pruning, &leaf.report, fault) != FAULT_NONE ||
	    (leaf.is_signed && remove_body(pruning, &leaf.signature, fault) != FAULT_NONE))
		return fault->code;
	return record(pruning, &leaf, fault);
}

static enum fault_code prune_all(struct pruning *pruning, struct fault *fault)
{
	const struct lookup lookup = {.by = LOOKUP_DUE, .now = pruning->now};
	struct archive *archive = &pruning->archive;
	struct lookup_rows rows;
	enum fault_code code = lookup_find(archive, &lookup, &rows, fault);

	if (code == FAULT_NONE && rows.count > 0)
		code = find_keepers(pruning, fault);
	for (size_t i = 0; i < rows.count && code == FAULT_NONE; i++)
		code = prune_row(pruning, &rows.items[i], fault);
	lookup_release(&rows);
	if (code == FAULT_NONE && pruning->bodies > 0)
		code = file_sync_directory(archive->bodies_fd, BODY_DIRECTORY, fault);
	return code == FAULT_NONE ? archive_catch_up(archive, fault) : code;
}

static enum stage_exit say(struct stage_context *context, const struct pruning *pruning)
{
	struct json_object *answer OBJECT_CLEANUP = object_new();

	object_add_integer(answer, "bodies", (int64_t)pruning->bodies);
	object_add_integer(answer, "bundles", (int64_t)pruning->bundles);
	object_add_decimal(answer, "bytes", pruning->bytes);
	object_add(answer, "errors", array_new());
	return answer_send(context, answer, STAGE_DONE);
}

enum stage_exit prune_run(struct stage_context *context, const struct action_input *input)
{
	struct pruning pruning = {.now = archive_now()};
	struct fault fault;
	enum stage_exit status;
	enum fault_code code =
		archive_open(&pruning.archive, input->archive_fd, ARCHIVE_WRITE, NULL, &fault);

	if (code == FAULT_NONE)
		code = archive_index(&pruning.archive, &fault);
	if (code == FAULT_NONE)
		code = prune_all(&pruning, &fault);
	status = code == FAULT_NONE ? say(context, &pruning) : answer_fault(context, &fault);
	archive_close(&pruning.archive);
	references_release(&pruning.kept);
	return status;
}
