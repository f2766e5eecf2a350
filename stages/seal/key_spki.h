/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_KEY_SPKI_H
#define SEAL_KEY_SPKI_H

#include "stages/seal/key_form.h"

#include <stddef.h>
#include <stdint.h>

/*
 * SubjectPublicKeyInfo of an Ed25519 (RFC 8410) or P-256 key (RFC 5480, uncompressed point). Each
 * has one DER encoding of one length, so it is compared, not parsed.
 */
#define KEY_SPKI_MAX	 91
#define KEY_SPKI_ED25519 44

/* KEY_ALGORITHM_COUNT when it is neither. */
enum key_algorithm key_spki_recognise(const uint8_t *spki, size_t len);
/* How many bytes stand in front of the key's own. */
size_t key_spki_head(enum key_algorithm algorithm);
void key_spki_ed25519(const uint8_t key[32], uint8_t spki[KEY_SPKI_ED25519]);

#endif
