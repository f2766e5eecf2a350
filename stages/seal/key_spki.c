/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/key_spki.h"

#include <string.h>

/* Everything of a SubjectPublicKeyInfo but the key's own bytes. */
static const uint8_t ed25519_head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
				       0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
static const uint8_t p256_head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
				    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
				    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

static const struct {
	const uint8_t *head;
	size_t head_len, len;
} algorithms[KEY_ALGORITHM_COUNT] = {
	[KEY_ED25519] = {ed25519_head, sizeof(ed25519_head), sizeof(ed25519_head) + 32},
	[KEY_P256] = {p256_head, sizeof(p256_head), sizeof(p256_head) + 64},
};

enum key_algorithm key_spki_recognise(const uint8_t *spki, size_t len)
{
	enum key_algorithm algorithm = 0;

	while (algorithm < KEY_ALGORITHM_COUNT &&
	       (len != algorithms[algorithm].len ||
		memcmp(spki, algorithms[algorithm].head, algorithms[algorithm].head_len) != 0))
		algorithm++;
	return algorithm;
}

size_t key_spki_head(enum key_algorithm algorithm)
{
	return algorithms[algorithm].head_len;
}

void key_spki_ed25519(const uint8_t key[32], uint8_t spki[KEY_SPKI_ED25519])
{
	memcpy(spki, ed25519_head, sizeof(ed25519_head));
	memcpy(spki + sizeof(ed25519_head), key, KEY_SPKI_ED25519 - sizeof(ed25519_head));
}
