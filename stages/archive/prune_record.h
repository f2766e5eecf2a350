/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_PRUNE_RECORD_H
#define ARCHIVE_PRUNE_RECORD_H

#include "ipc/buf.h"
#include "ipc/fault.h"
#include "stages/archive/leaf.h"
#include "stages/seal/span.h"

/*
 * One line of prunes.jsonl: {"bundleId","prunedAt","schemaVersion":"safe-run.archive-prune/v1"}.
 * The bodies of that bundle were removed, their time having come. The leaf stays.
 */
#define PRUNE_RECORD_SCHEMA "safe-run.archive-prune/v1"

struct prune_record {
	char bundle_id[LEAF_ID_SIZE];
	char pruned_at[EVENT_TIMESTAMP_SIZE];
};

void prune_record_write(const struct prune_record *record, struct buf *out);
enum fault_code prune_record_read(struct span line, struct prune_record *record,
				  struct fault *fault) __attribute__((warn_unused_result));

#endif
