/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_KEY_PRIVATE_H
#define SEAL_KEY_PRIVATE_H

#include "stages/seal/key_input.h"
#include "stages/seal/key_public.h"

/*
 * Private keys: PKCS#8 in PEM (RFC 7468), in the clear or encrypted (RFC 8018, PBES2), with the
 * same "Purpose:" line in front as a public key's file. openssl(1) reads and writes both forms.
 * Making, reading and signing take getrandom(2) and getpid(2).
 */
struct key_private {
	struct evp_pkey_st *handle; /* owned */
	struct key_public public;   /* its other half, with the purpose of the file */
};

/* passphrase: NULL when there is none. SR-EVD-304, path "key". */
enum fault_code key_private_read(const char *file, size_t len, const char *passphrase,
				 struct key_private *key, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code key_private_make(enum key_algorithm algorithm, enum key_purpose purpose,
				 struct key_private *key, struct fault *fault)
	__attribute__((warn_unused_result));
/* With a passphrase: PBES2, AES-256-CBC, PBKDF2 with HMAC-SHA-256. */
enum fault_code key_private_write(const struct key_private *key, const char *passphrase,
				  struct buf *out, struct fault *fault)
	__attribute__((warn_unused_result));
void key_private_release(struct key_private *key);

#endif
