/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_KEY_PUBLIC_H
#define SEAL_KEY_PUBLIC_H

#include "ipc/buf.h"
#include "ipc/fault.h"
#include "stages/seal/key_form.h"
#include "stages/seal/key_id.h"
#include "stages/seal/key_spki.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Public keys: Ed25519 (RFC 8410) or P-256 (RFC 5480, uncompressed point), as SubjectPublicKeyInfo.
 * Both have one DER encoding of one length, so it is compared, not parsed; a key's id is SHA-256
 * over it.
 *
 * A file is PEM (RFC 7468) with at most one line in front of it, "Purpose: seal" or "Purpose:
 * archive"; without that line the key has no purpose yet. openssl(1) reads both forms.
 */
struct evp_pkey_st;

struct key_public {
	enum key_algorithm algorithm;
	enum key_purpose purpose;
	char keyid[KEY_ID_SIZE]; /* 64 lower-case hex */
	uint8_t spki[KEY_SPKI_MAX];
	size_t spki_len;
	struct evp_pkey_st *handle; /* owned */
};

/* Faults have the code SR-EVD-304 and the path "key". After FAULT_NONE, key_public_release. */
enum fault_code key_public_from_spki(const uint8_t *spki, size_t len, struct key_public *key,
				     struct fault *fault) __attribute__((warn_unused_result));
enum fault_code key_public_read(const char *file, size_t len, struct key_public *key,
				struct fault *fault) __attribute__((warn_unused_result));
void key_public_release(struct key_public *key);

/* The file key_public_read reads. */
void key_public_write(const struct key_public *key, struct buf *out);

#endif
