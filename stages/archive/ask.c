/* SPDX-License-Identifier: Apache-2.0 */
/* list, find and show: leaves by their place, bundle or run. */
#include "ipc/object.h"
#include "stages/archive/action.h"
#include "stages/archive/answer.h"
#include "stages/archive/lookup.h"
#include "stages/archive/prune_record.h"

#include <json-c/json.h>
#include <string.h>

/* When its bodies were removed, if they were. */
static void add_pruned_at(const struct archive *archive, const struct leaf *leaf,
			  struct json_object *record)
{
	struct ledger_walk walk;
	struct fault fault;
	struct span line;
	uint64_t offset;

	if (archive->prunes.fd < 0)
		return;
	ledger_walk_init(&walk, &archive->prunes, 0);
	while (ledger_next(&walk, &line, &offset, &fault)) {
		struct prune_record pruned;

		if (prune_record_read(line, &pruned, &fault) == FAULT_NONE &&
		    strcmp(pruned.bundle_id, leaf->bundle_id) == 0)
			object_add_string(record, "prunedAt", pruned.pruned_at);
	}
	ledger_walk_release(&walk);
}

static enum stage_exit say_rows(struct stage_context *context, const struct archive *archive,
				const struct lookup_rows *rows, bool whole)
{
	uint64_t now = archive_now();
	enum stage_exit status = STAGE_DONE;

	for (size_t i = 0; i < rows->count && status == STAGE_DONE; i++) {
		const struct index_row *row = &rows->items[i];
		struct json_object *record OBJECT_CLEANUP = NULL;
		struct fault fault;
		struct leaf leaf;

		if (archive_leaf(archive, row->offset, &leaf, &fault) != FAULT_NONE)
			return answer_fault(context, &fault);
		record = answer_leaf(archive, &leaf, row->number, now);
		if (whole)
			add_pruned_at(archive, &leaf, record);
		status = answer_send(context, record, STAGE_DONE);
	}
	return status;
}

static enum stage_exit ask(struct stage_context *context, const struct action_input *input,
			   const struct lookup *lookup, bool whole)
{
	struct lookup_rows rows = {.items = NULL};
	struct archive archive;
	struct fault fault;
	enum stage_exit status;
	enum fault_code code = archive_open(&archive, input->archive_fd, ARCHIVE_ASK, NULL, &fault);

	if (code == FAULT_NONE)
		code = lookup_find(&archive, lookup, &rows, &fault);
	if (code == FAULT_NONE && rows.count == 0 && lookup->id != NULL)
		code = fault_set(&fault, FAULT_ARCHIVE, "archive", "holds nothing of the name %s",
				 lookup->id);
	status = code == FAULT_NONE ? say_rows(context, &archive, &rows, whole)
				    : answer_fault(context, &fault);
	lookup_release(&rows);
	archive_close(&archive);
	return status;
}

enum stage_exit ask_list(struct stage_context *context, const struct action_input *input)
{
	const struct lookup lookup = {
		.by = LOOKUP_ALL, .first = input->after, .limit = input->limit};

	return ask(context, input, &lookup, false);
}

static enum stage_exit ask_named(struct stage_context *context, const struct action_input *input,
				 bool whole)
{
	struct lookup lookup = {.by = LOOKUP_RUN, .id = input->id};
	struct fault fault;

	if (leaf_id_valid(input->id))
		lookup.by = LOOKUP_BUNDLE;
	else if (!runid_valid(input->id)) {
		fault_set(&fault, FAULT_ARCHIVE, "id",
			  "neither a bundle id (sb- and 64 hexadecimal digits) nor a run id");
		return answer_fault(context, &fault);
	}
	return ask(context, input, &lookup, whole);
}

enum stage_exit ask_find(struct stage_context *context, const struct action_input *input)
{
	return ask_named(context, input, false);
}

enum stage_exit ask_show(struct stage_context *context, const struct action_input *input)
{
	return ask_named(context, input, true);
}
