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

/* Reads all of a key file that was opened before; key_public_release afterwards. */
enum fault_code archive_key_load(int fd, struct key_public *key, struct fault *fault)
	__attribute__((warn_unused_result));
/* Whether a key may stand behind an archive. */
enum fault_code archive_key_check(const struct key_public *key, struct fault *fault)
	__attribute__((warn_unused_result));

/* The 32 bytes of an Ed25519 key. */
const uint8_t *archive_key_bytes(const struct key_public *key);
bool archive_key_verify(const struct key_public *key, struct span text,
			const uint8_t signature[NOTE_SIGNATURE_SIZE])
	__attribute__((warn_unused_result));

#endif
