/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_CHECKPOINT_H
#define ARCHIVE_CHECKPOINT_H

#include "ipc/buf.h"
#include "ipc/fault.h"
#include "stages/archive/archive.h"
#include "stages/archive/archive_key.h"
#include "stages/archive/archive_signer.h"
#include "stages/archive/note.h"

#include <stdbool.h>

/*
 * The archive's signed word for its leaves. Signing goes on from the tree of the checkpoint before,
 * which the index keeps and the checkpoint's own root confirms, so that one more leaf costs one
 * more leaf; without the index, or when it disagrees, the tree is built from all leaves.
 */

/* The archive's checkpoint into text, and read into note, which borrows from it. */
enum fault_code checkpoint_load(const struct archive *archive, struct buf *text, struct note *note,
				bool *known, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Sign a checkpoint over all leaves. The one before must be by the same key, or by old_key when
 * that is not NULL; leaves that are not the ones it covers are not signed.
 */
enum fault_code checkpoint_sign(struct archive *archive, const struct archive_signer *signer,
				const struct key_public *old_key, struct note_checkpoint *signed_as,
				struct fault *fault) __attribute__((warn_unused_result));

/* Whether that signer may go on from the checkpoint there is: told before anything is written. */
enum fault_code checkpoint_check(const struct archive *archive, const struct archive_signer *signer,
				 struct fault *fault) __attribute__((warn_unused_result));

#endif
