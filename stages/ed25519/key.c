/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/ed25519/key.h"

#include "stages/seal/base64.h"
#include "stages/seal/key_spki.h"

#include <sodium/crypto_hash_sha256.h>
#include <string.h>

/* PKCS#8 (RFC 8410, section 7): version 0, the algorithm, and an octet string in an octet string. */
static const uint8_t head[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
			       0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};

static bool decode(const char *file, size_t len,
		   uint8_t der[sizeof(head) + crypto_sign_ed25519_SEEDBYTES])
{
	const size_t size = sizeof(head) + crypto_sign_ed25519_SEEDBYTES;
	size_t head_len = key_plain_head(len);
	const char *line = file + head_len - KEY_PLAIN_LINE_AT;
	size_t der_len;

	return head_len > 0 && key_is_plain(file, head_len) &&
	       memcmp(line + KEY_PLAIN_LINE, KEY_PLAIN_END, strlen(KEY_PLAIN_END)) == 0 &&
	       base64_decode(line, KEY_PLAIN_LINE, der, size, &der_len) && der_len == size &&
	       memcmp(der, head, sizeof(head)) == 0;
}

enum fault_code key_read(char file[KEY_FILE_MAX], size_t len, struct key *key, struct fault *fault)
{
	uint8_t der[sizeof(head) + crypto_sign_ed25519_SEEDBYTES];
	uint8_t public[crypto_sign_ed25519_PUBLICKEYBYTES];
	uint8_t spki[KEY_SPKI_ED25519];
	uint8_t sum[crypto_hash_sha256_BYTES];
	bool made = decode(file, len, der) &&
		    crypto_sign_ed25519_seed_keypair(public, key->secret, der + sizeof(head)) == 0;

	explicit_bzero(der, sizeof(der));
	explicit_bzero(file, len);
	if (!made)
		return fault_set(fault, FAULT_REPORT_SIGNATURE, "key",
				 "not a private Ed25519 key as safe-run key generate and openssl "
				 "genpkey write it");
	key_spki_ed25519(public, spki);
	if (crypto_hash_sha256(sum, spki, sizeof(spki)) != 0)
		return fault_set(fault, FAULT_REPORT_SIGNATURE, "key", "its id cannot be computed");
	key_id_write(sum, key->keyid);
	return FAULT_NONE;
}

void key_release(struct key *key)
{
	explicit_bzero(key, sizeof(*key));
}
