/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/ed25519/key.h"

#include <criterion/criterion.h>
#include <sodium/core.h>
#include <stdio.h>
#include <string.h>

/* RFC 8032, section 7.1, test 2: the key, one byte, its signature; the key's id is openssl's. */
static const char file[] = "-----BEGIN PRIVATE KEY-----\n"
			   "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
			   "-----END PRIVATE KEY-----\n";
static const char keyid[] = "deb2ded39dc26fce0e6085b6fc34bf6b5941913bbfe2ea614113cff9e004c170";
static const uint8_t message[] = {0x72};
static const uint8_t expected[] = {0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82,
				   0x0b, 0x5f, 0x64, 0x25, 0x40, 0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50,
				   0x3f, 0x8f, 0xb3, 0x76, 0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda, 0x08,
				   0x5a, 0xc1, 0xe4, 0x3e, 0x15, 0x99, 0x6e, 0x45, 0x8f, 0x36, 0x13,
				   0xd0, 0xf1, 0x1d, 0x8c, 0x38, 0x7b, 0x2e, 0xae, 0xb4, 0x30, 0x2a,
				   0xee, 0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00};

/* Where the key's own bits begin: behind the characters that say what the file is. */
#define OWN_AT (sizeof("-----BEGIN PRIVATE KEY-----\n") - 1 + KEY_PLAIN_LINE_AT)

static bool reads(const char *text, size_t len, struct key *key)
{
	char room[KEY_FILE_MAX];
	struct fault fault;
	bool read;

	cr_assert_eq(sodium_init() < 0, 0);
	cr_assert_leq(len, sizeof(room));
	memcpy(room, text, len);
	read = key_read(room, len, key, &fault) == FAULT_NONE;
	for (size_t i = 0; i < len; i++)
		cr_assert_eq(room[i], 0, "what was read of the key is still there");
	return read;
}

Test(ed25519_key, known_answer)
{
	struct key key;
	uint8_t signature[crypto_sign_ed25519_BYTES];

	cr_assert(reads(file, sizeof(file) - 1, &key));
	cr_expect_str_eq(key.keyid, keyid);
	cr_assert_eq(
		crypto_sign_ed25519_detached(signature, NULL, message, sizeof(message), key.secret),
		0);
	cr_expect_arr_eq(signature, expected, sizeof(expected));
	key_release(&key);
	for (size_t i = 0; i < sizeof(key.secret); i++)
		cr_assert_eq(key.secret[i], 0);
}

Test(ed25519_key, its_purpose_is_to_seal_or_none)
{
	char text[KEY_FILE_MAX];
	struct key key;

	snprintf(text, sizeof(text), "Purpose: seal\n%s", file);
	cr_assert(reads(text, strlen(text), &key));
	cr_expect_str_eq(key.keyid, keyid);
	snprintf(text, sizeof(text), "Purpose: archive\n%s", file);
	cr_expect_not(reads(text, strlen(text), &key));
}

Test(ed25519_key, nothing_cut_or_longer_is_read)
{
	char text[KEY_FILE_MAX];
	struct key key;

	for (size_t len = 0; len < sizeof(file) - 1; len++)
		cr_expect_not(reads(file, len, &key), "%zu bytes", len);
	snprintf(text, sizeof(text), "%s\n", file);
	cr_expect_not(reads(text, strlen(text), &key));
}

/* A bit of the form is refused; a bit of the key makes another key or no base64. */
Test(ed25519_key, every_bit_counts)
{
	for (size_t bit = 0; bit < 8 * (sizeof(file) - 1); bit++) {
		char text[sizeof(file)];
		struct key key;

		memcpy(text, file, sizeof(file));
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		if (!reads(text, sizeof(file) - 1, &key))
			continue;
		cr_expect(bit / 8 >= OWN_AT &&
				  bit / 8 < OWN_AT + KEY_PLAIN_LINE - KEY_PLAIN_LINE_AT,
			  "bit %zu is passed over", bit);
		cr_expect_str_neq(key.keyid, keyid, "bit %zu", bit);
	}
}

/* The front-end chooses by length and head alone, and its choice is what key_read reads. */
Test(ed25519_key, the_head_tells_and_holds_nothing_of_the_key)
{
	size_t len = sizeof(file) - 1;

	cr_assert_eq(key_plain_head(len), OWN_AT);
	cr_expect(key_is_plain(file, OWN_AT));
	cr_expect_not(key_is_plain(file, OWN_AT - 1));
	cr_expect_eq(key_plain_head(len - 1), 0);
	cr_expect_eq(key_plain_head(len + 1), 0);
	cr_expect_eq(key_plain_head(0), 0);
	cr_expect_eq(key_plain_head(len + strlen("Purpose: seal\n")), KEY_PLAIN_HEAD_MAX);
	cr_expect_eq(key_plain_head(len + strlen("Purpose: archive\n")), 0);
}
