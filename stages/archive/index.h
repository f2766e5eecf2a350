/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_INDEX_H
#define ARCHIVE_INDEX_H

#include "ipc/fault.h"
#include "stages/archive/leaf.h"
#include "stages/seal/merkle.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * index.db: where a leaf stands, by bundle id and run id. It answers quickly and proves nothing:
 * all of it comes from leaves.jsonl and prunes.jsonl, every answer is held against the leaf itself,
 * and it can be thrown away at any time. SQLite in WAL mode, in the working directory, which is the
 * archive; one writer at a time, under the archive's lock.
 *
 * SQLite's own faults have the code FAULT_ARCHIVE and the path index.db. index_damaged says whether
 * one means that the file is not a usable index, which throwing it away mends.
 */
#define INDEX_FILE "index.db"

struct index; /* one open database */

/* A leaf's place, as the index has it. */
struct index_row {
	uint64_t number; /* of the leaf, from 0 */
	uint64_t offset; /* of its line in leaves.jsonl */
	bool pruned;
};

/* How far the index has come. */
struct index_mark {
	uint64_t leaves;
	uint64_t leaves_len; /* bytes of leaves.jsonl */
	uint64_t prunes_len; /* bytes of prunes.jsonl */
};

/* A tree over the first leaves, as roots of its whole subtrees: where a checkpoint left off. */
struct index_frontier {
	uint64_t leaves_len;
	struct merkle tree; /* the caller has initialised it */
};

/* Opens the database, making it when there is none. Never NULL, but usable only without a fault. */
struct index *index_open(struct fault *fault);
bool index_usable(const struct index *index);
void index_close(struct index *index);
bool index_damaged(const struct index *index);
/* Remove its files. */
enum fault_code index_forget(int archive_fd, struct fault *fault)
	__attribute__((warn_unused_result));

enum fault_code index_begin(struct index *index, struct fault *fault)
	__attribute__((warn_unused_result));
/* With the mark as it is when mark is NULL. */
enum fault_code index_commit(struct index *index, const struct index_mark *mark,
			     struct fault *fault) __attribute__((warn_unused_result));
/* Take everything since index_begin back. */
void index_rollback(struct index *index);

enum fault_code index_mark_get(struct index *index, struct index_mark *mark, struct fault *fault)
	__attribute__((warn_unused_result));
/* known is false when there is none. */
enum fault_code index_frontier_get(struct index *index, struct index_frontier *frontier,
				   bool *known, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code index_frontier_set(struct index *index, const struct index_frontier *frontier,
				   struct fault *fault) __attribute__((warn_unused_result));

/* A bundle id that is there already stays as it is: a leaf that stands twice is found by verify. */
enum fault_code index_add(struct index *index, const struct index_row *row, const struct leaf *leaf,
			  struct fault *fault) __attribute__((warn_unused_result));
enum fault_code index_set_pruned(struct index *index, const char *bundle_id, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Call visit for each leaf that matches, oldest first; it answers false to stop. Those of one
 * bundle id or run id; those whose time came at or before a moment and that are not pruned yet.
 */
typedef bool index_visit_fn(const struct index_row *row, void *context);

enum fault_code index_each_bundle(struct index *index, const char *bundle_id, index_visit_fn *visit,
				  void *context, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code index_each_run(struct index *index, const char *run_id, index_visit_fn *visit,
			       void *context, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code index_each_due(struct index *index, uint64_t now, index_visit_fn *visit,
			       void *context, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
