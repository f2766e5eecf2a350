/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_DSSE_H
#define SEAL_DSSE_H

#include "ipc/buf.h"
#include "stages/seal/key_id.h"

#include <stddef.h>
#include <stdint.h>

/*
 * DSSE v1.0.2 (https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md), and the
 * Sigstore bundle v0.3 that holds one envelope
 * (https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto).
 */
#define DSSE_PAYLOAD_TYPE "application/vnd.in-toto+json"
#define BUNDLE_MEDIA_TYPE "application/vnd.dev.sigstore.bundle.v0.3+json"
#define BUNDLE_MAX	  ((size_t)64 << 10) /* bytes of a file */

/* PAE(type, payload): what is signed. */
void dsse_pae(const void *payload, size_t len, struct buf *out);

/*
 * The bundle, canonical, without a line feed. The signature names no keyid: tools that read one
 * derive it from the key in ways of their own and pass over signatures where it differs; the
 * bundle's hint says which key it was.
 */
void bundle_write(const void *payload, size_t payload_len, const char keyid[KEY_ID_SIZE],
		  const uint8_t *signature, size_t signature_len, struct buf *out);

#endif
