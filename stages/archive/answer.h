/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_ANSWER_H
#define ARCHIVE_ANSWER_H

#include "ipc/fault.h"
#include "ipc/record.h"
#include "stages/archive/archive.h"
#include "stages/stage.h"

struct json_object;

/* What sr-archive says: records of which every action shares the parts below. */

/* {"errors":[...]} with one fault. */
enum stage_exit answer_fault(struct stage_context *context, const struct fault *fault);
/* Sends the record; status unless it cannot be written. */
enum stage_exit answer_send(struct stage_context *context, struct json_object *record,
			    enum stage_exit status);

/*
 * A leaf as it stands in the archive, with archive{} and verification{}, its index among the
 * leaves, and what became of its bodies: "present", "expired" (gone, its time having come) or
 * "missing". New; the caller owns it.
 */
struct json_object *answer_leaf(const struct archive *archive, const struct leaf *leaf,
				uint64_t number, uint64_t now);

/* {origin, root, size}; the caller owns it. */
struct json_object *answer_checkpoint(const struct note_checkpoint *checkpoint);

#endif
