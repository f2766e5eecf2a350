/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_KEY_PUBLIC_H
#define SEAL_KEY_PUBLIC_H

#include "ipc/buf.h"
#include "ipc/fault.h"
#include "stages/seal/key_id.h"

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
enum key_algorithm { KEY_ED25519, KEY_P256, KEY_ALGORITHM_COUNT };

enum key_purpose { KEY_PURPOSE_NONE, KEY_PURPOSE_SEAL, KEY_PURPOSE_ARCHIVE, KEY_PURPOSE_COUNT };

#define KEY_FILE_MAX ((size_t)4 << 10) /* longer is no key file */
#define KEY_SPKI_MAX 91

struct evp_pkey_st;

struct key_public {
	enum key_algorithm algorithm;
	enum key_purpose purpose;
	char keyid[KEY_ID_SIZE]; /* 64 lower-case hex */
	uint8_t spki[KEY_SPKI_MAX];
	size_t spki_len;
	struct evp_pkey_st *handle; /* owned */
};

const char *key_algorithm_name(enum key_algorithm algorithm); /* "ed25519", "p256" */
const char *key_purpose_name(enum key_purpose purpose);	      /* "", "seal", "archive" */
/* The COUNT value when there is none of that name. */
enum key_algorithm key_algorithm_parse(const char *name);
enum key_purpose key_purpose_parse(const char *name);

/* Faults have the code SR-EVD-304 and the path "key". After FAULT_NONE, key_public_release. */
enum fault_code key_public_from_spki(const uint8_t *spki, size_t len, struct key_public *key,
				     struct fault *fault) __attribute__((warn_unused_result));
enum fault_code key_public_read(const char *file, size_t len, struct key_public *key,
				struct fault *fault) __attribute__((warn_unused_result));
void key_public_release(struct key_public *key);

/*
 * The line in front of a key: taken off text when there is one, false when it names no purpose
 * known here; written, nothing for KEY_PURPOSE_NONE.
 */
bool key_take_purpose(const char **text, size_t *len, enum key_purpose *purpose)
	__attribute__((warn_unused_result));
void key_put_purpose(enum key_purpose purpose, struct buf *out);

/* The file key_public_read reads. */
void key_public_write(const struct key_public *key, struct buf *out);

#endif
