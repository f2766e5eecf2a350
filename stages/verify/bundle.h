/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_BUNDLE_H
#define VERIFY_BUNDLE_H

#include "ipc/fault.h"
#include "stages/seal/dsse.h"
#include "stages/seal/signature.h"
#include "stages/seal/statement.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A Sigstore bundle v0.3 as it may stand beside a report: one DSSE envelope with one signature, and
 * the hint of a public key. Nothing else is accepted in it: no certificate, no log entry, for
 * nothing of that is checked here. It must be canonical JSON; safe-run canon makes another tool's
 * so.
 */
struct bundle {
	char keyid[KEY_ID_SIZE];
	char *payload; /* owned */
	size_t payload_len;
	uint8_t signature[SIGNATURE_MAX];
	size_t signature_len;
	struct statement statement; /* lies in payload */
};

/* Faults: SR-EVD-304, path below "bundle". In every case bundle_release. */
enum fault_code bundle_read(struct span text, struct bundle *bundle, struct fault *fault)
	__attribute__((warn_unused_result));
/* What the signature must be over, checked with key. */
bool bundle_signed_by(const struct bundle *bundle, const struct key_public *key);
void bundle_release(struct bundle *bundle);

#endif
