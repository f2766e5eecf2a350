/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_ARCHIVE_KEY_H
#define ARCHIVE_ARCHIVE_KEY_H

#include "ipc/fault.h"
#include "stages/archive/note.h"
#include "stages/seal/key_public.h"
#include "stages/seal/span.h"

#include <stdbool.h>

/*
 * The public keys of an archive: Ed25519 alone, for the checkpoint's format has no other, and of
 * the purpose "archive", or of none yet. A key that seals reports is refused: whoever can sign runs
 * must not be able to say which runs there were.
 */

/* Whether a key may stand behind an archive. */
enum fault_code archive_key_check(const struct key_public *key, struct fault *fault)
	__attribute__((warn_unused_result));

/* The 32 bytes of an Ed25519 key. */
const uint8_t *archive_key_bytes(const struct key_public *key);
/* Whether the key signed that note in the name of its origin; the fault says what it did not. */
enum fault_code archive_key_check_note(const struct key_public *key, const struct note *note,
				       struct fault *fault) __attribute__((warn_unused_result));

#endif
