/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prune: bodies whose time has come are removed, leaves never. A body that two bundles share stays
 * until the later of them. The record is written behind the removal: a crash between the two leaves
 * a body gone whose time had come, and the next prune writes the record.
 */
#include "ipc/object.h"
#include "stages/archive/action.h"
#include "stages/archive/answer.h"
#include "stages/archive/body.h"
#include "stages/archive/file.h"
#include "stages/archive/lookup.h"
#include "stages/archive/prune_record.h"

#include <json-c/json.h>
#include <string.h>

struct pruning {
	struct archive archive;
	uint64_t now;
	uint64_t bundles; /* pruned */
	uint64_t bodies;  /* removed */
	uint64_t bytes;	  /* of theirs */
};

static enum fault_code remove_body(struct pruning *pruning, const struct leaf_body *body,
				   struct fault *fault)
{
	struct archive *archive = &pruning->archive;
	uint64_t keepers;

	if (index_count_keepers(archive->index, body->hash, pruning->now, &keepers, fault) !=
	    FAULT_NONE)
		return fault->code;
	if (keepers > 0 || !body_exists(archive->bodies_fd, body))
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
	return status;
}
