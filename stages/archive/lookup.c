/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/lookup.h"

#include <stdlib.h>
#include <string.h>

struct gathering {
	struct lookup_rows *rows;
	uint64_t limit;
};

static bool gather(const struct index_row *row, void *context)
{
	struct gathering *gathering = context;
	struct lookup_rows *rows = gathering->rows;

	if (rows->count == rows->capacity) {
		rows->capacity = rows->capacity == 0 ? 16 : 2 * rows->capacity;
		rows->items = reallocarray(rows->items, rows->capacity, sizeof(rows->items[0]));
		if (rows->items == NULL)
			buf_no_memory();
	}
	rows->items[rows->count++] = *row;
	return gathering->limit == 0 || rows->count < gathering->limit;
}

void lookup_release(struct lookup_rows *rows)
{
	free(rows->items);
	*rows = (struct lookup_rows){.items = NULL};
}

static bool matches(const struct lookup *lookup, const struct leaf *leaf, uint64_t number)
{
	switch (lookup->by) {
	case LOOKUP_ALL:
		return number >= lookup->first;
	case LOOKUP_BUNDLE:
		return strcmp(leaf->bundle_id, lookup->id) == 0;
	case LOOKUP_RUN:
		return strcmp(leaf->run_id, lookup->id) == 0;
	case LOOKUP_DUE:
		break;
	}
	return retention_end(leaf->stored_at, leaf->retention) <= lookup->now;
}

static enum fault_code from_index(struct archive *archive, const struct lookup *lookup,
				  struct gathering *gathering, struct fault *fault)
{
	struct index *index = archive->index;

	switch (lookup->by) {
	case LOOKUP_BUNDLE:
		return index_each_bundle(index, lookup->id, gather, gathering, fault);
	case LOOKUP_RUN:
		return index_each_run(index, lookup->id, gather, gathering, fault);
	case LOOKUP_ALL: /* from_leaves */
	case LOOKUP_DUE:
		break;
	}
	return index_each_due(index, lookup->now, gather, gathering, fault);
}

/* Without reading all of it: a leaf that holds the name nowhere is not the one of that name. */
static bool may_match(const struct lookup *lookup, struct span line, uint64_t number)
{
	return number >= lookup->first &&
	       (lookup->id == NULL ||
		memmem(line.at, line.len, lookup->id, strlen(lookup->id)) != NULL);
}

static enum fault_code from_leaves(const struct archive *archive, const struct lookup *lookup,
				   struct gathering *gathering, struct fault *fault)
{
	struct ledger_walk walk;
	struct index_row row = {.number = 0};
	struct span line;
	bool more = true;

	fault->code = FAULT_NONE;
	ledger_walk_init(&walk, &archive->leaves, 0);
	for (; more && ledger_next(&walk, &line, &row.offset, fault); row.number++) {
		struct fault unread;
		struct leaf leaf;

		if (may_match(lookup, line, row.number) &&
		    leaf_read(line, &leaf, &unread) == FAULT_NONE &&
		    matches(lookup, &leaf, row.number))
			more = gather(&row, gathering);
	}
	ledger_walk_release(&walk);
	return fault->code;
}

/* Whether the leaf at each row is what was looked for. */
static bool holds(const struct archive *archive, const struct lookup *lookup,
		  const struct lookup_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		struct fault fault;
		struct leaf leaf;

		if (archive_leaf(archive, rows->items[i].offset, &leaf, &fault) != FAULT_NONE ||
		    !matches(lookup, &leaf, rows->items[i].number))
			return false;
	}
	return true;
}

enum fault_code lookup_find(struct archive *archive, const struct lookup *lookup,
			    struct lookup_rows *rows, struct fault *fault)
{
	struct gathering gathering = {.rows = rows, .limit = lookup->limit};

	*rows = (struct lookup_rows){.items = NULL};
	if (!archive->writable || lookup->by == LOOKUP_ALL)
		return from_leaves(archive, lookup, &gathering, fault);
	if (archive_index(archive, fault) != FAULT_NONE)
		return fault->code;
	if (from_index(archive, lookup, &gathering, fault) == FAULT_NONE &&
	    holds(archive, lookup, rows)) {
		if (lookup->id == NULL || rows->count > 0)
			return FAULT_NONE;
		if (from_leaves(archive, lookup, &gathering, fault) != FAULT_NONE ||
		    rows->count == 0)
			return fault->code;
	}
	/* The index said what the leaves do not. */
	lookup_release(rows);
	if (archive_reindex(archive, fault) != FAULT_NONE)
		return fault->code;
	return from_index(archive, lookup, &gathering, fault);
}
