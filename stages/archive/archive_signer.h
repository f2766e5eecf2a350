/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_ARCHIVE_SIGNER_H
#define ARCHIVE_ARCHIVE_SIGNER_H

#include "ipc/fault.h"
#include "stages/archive/note.h"
#include "stages/seal/key_private.h"
#include "stages/seal/span.h"

#include <stdbool.h>

/* The private key of an archive, for as long as it takes to sign one checkpoint. */
struct archive_signer {
	struct key_private key;
};

/*
 * Read from an open key file; passphrase_fd is -1 for a key in the clear. Release it in every case,
 * one that is all zero too.
 */
enum fault_code archive_signer_load(int fd, int passphrase_fd, struct archive_signer *signer,
				    struct fault *fault) __attribute__((warn_unused_result));
void archive_signer_release(struct archive_signer *signer);

bool archive_signer_sign(const struct archive_signer *signer, struct span text,
			 uint8_t signature[NOTE_SIGNATURE_SIZE])
	__attribute__((warn_unused_result));

#endif
