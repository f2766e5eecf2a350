/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ED25519_KEY_H
#define ED25519_KEY_H

#include "stages/seal/key_id.h"
#include "stages/seal/key_input.h"

#include <sodium/crypto_sign_ed25519.h>
#include <stddef.h>
#include <stdint.h>

/* A private Ed25519 key from the one form of file there is for it here, stages/seal/key_form.h. */
struct key {
	uint8_t secret[crypto_sign_ed25519_SECRETKEYBYTES]; /* libsodium's: seed and public half */
	char keyid[KEY_ID_SIZE];
};

/* file is erased, whatever comes of it. SR-EVD-304, path "key". After FAULT_NONE, key_release. */
enum fault_code key_read(char file[KEY_FILE_MAX], size_t len, struct key *key, struct fault *fault)
	__attribute__((warn_unused_result));
void key_release(struct key *key);

#endif
