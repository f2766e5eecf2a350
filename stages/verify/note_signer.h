/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_NOTE_SIGNER_H
#define VERIFY_NOTE_SIGNER_H

#include "ipc/fault.h"
#include "stages/archive/note.h"
#include "stages/verify/keyring.h"

/*
 * The trusted key that signed a checkpoint, among keys of any purpose: a signature of one that is
 * not an archive's, was revoked or had expired at that time (RFC 3339, event_time.h) is a fault, as
 * is one that does not hold. One that may vouch is enough.
 *
 * *signer is NULL, and that is no fault, when none of them has signed. It is borrowed from ring.
 */
enum fault_code note_signer_find(const struct note *note, const struct keyring *ring,
				 const char *at, const struct keyring_key **signer,
				 struct fault *fault) __attribute__((warn_unused_result));

#endif
