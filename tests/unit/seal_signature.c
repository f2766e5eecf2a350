/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/base64.h"
#include "stages/seal/signature.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

/* RFC 4648, section 10. */
static const struct {
	const char *bytes, *text;
} known[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
};

Test(seal_base64, known_answers_both_ways)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct buf text BUF_CLEANUP;
		uint8_t bytes[16];
		size_t len;

		buf_init(&text, 64);
		base64_append(&text, known[i].bytes, strlen(known[i].bytes));
		cr_assert_eq(text.len, strlen(known[i].text));
		cr_expect(text.len == 0 || memcmp(text.data, known[i].text, text.len) == 0);
		cr_assert(base64_decode(known[i].text, strlen(known[i].text), bytes, sizeof(bytes),
					&len));
		cr_expect_eq(len, strlen(known[i].bytes));
		cr_expect_arr_eq(bytes, known[i].bytes, len);
	}
}

/* What other readers let pass, each a second spelling of the same bytes. */
static const char *const sloppy[] = {
	"Zg",	 "Zg=",	  "Zg===",    "Z",	     "Zh==", "Zm9=",   "Zm9v\n",
	" Zm9v", "Zm 9v", "Zm9v====", "====",	     "=m9v", "Z===",   "Zg==Zg==",
	"+_8=",	 "-/8=",  "Zm9v!m9v", "Zm9v\x80m9v", "Zg=a", "Zm8=\n", "++--",
};

Test(seal_base64, sloppy_text_is_refused)
{
	uint8_t bytes[16];
	size_t len;

	for (size_t i = 0; i < sizeof(sloppy) / sizeof(sloppy[0]); i++)
		cr_expect_not(
			base64_decode(sloppy[i], strlen(sloppy[i]), bytes, sizeof(bytes), &len),
			"%s", sloppy[i]);
}

Test(seal_base64, either_alphabet_is_read)
{
	uint8_t standard[4], url_safe[4];
	size_t standard_len, url_safe_len;

	cr_assert(base64_decode("+/+/", 4, standard, 4, &standard_len));
	cr_assert(base64_decode("-_-_", 4, url_safe, 4, &url_safe_len));
	cr_expect_eq(standard_len, url_safe_len);
	cr_expect_arr_eq(standard, url_safe, standard_len);
}

Test(seal_base64, room_is_kept_to)
{
	uint8_t bytes[8];
	size_t len;

	cr_expect_not(base64_decode("Zm9v", 4, bytes, 2, &len));
	cr_expect(base64_decode("Zm9v", 4, bytes, 3, &len));
	cr_expect(base64_decode("Zm9v", 4, bytes, 4, &len));
}

static void generate(enum key_algorithm algorithm, EVP_PKEY **handle, struct key_public *key)
{
	uint8_t spki[KEY_SPKI_MAX], *at = spki;
	struct fault fault;
	int len;

	cr_assert_eq(signature_prewarm(), 0);
	*handle = algorithm == KEY_P256 ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
					: EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	len = i2d_PUBKEY(*handle, NULL);
	cr_assert(len > 0 && (size_t)len <= sizeof(spki));
	cr_assert_eq(i2d_PUBKEY(*handle, &at), len);
	cr_assert_eq(key_public_from_spki(spki, (size_t)len, key, &fault), FAULT_NONE, "%s",
		     fault.message);
	cr_assert_eq(key->algorithm, algorithm);
}

Test(seal_signature, what_is_signed_verifies_and_no_changed_bit_does)
{
	for (enum key_algorithm algorithm = 0; algorithm < KEY_ALGORITHM_COUNT; algorithm++) {
		static const char data[] = "DSSEv1 1 a 1 b";
		uint8_t signature[SIGNATURE_MAX];
		struct key_public key;
		EVP_PKEY *handle;
		size_t len;

		generate(algorithm, &handle, &key);
		cr_assert(signature_sign(handle, algorithm, data, sizeof(data), signature, &len));
		cr_expect(signature_verify(&key, data, sizeof(data), signature, len));
		cr_expect_not(signature_verify(&key, data, sizeof(data) - 1, signature, len));
		for (size_t bit = 0; bit < 8 * len; bit++) {
			signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
			cr_expect_not(signature_verify(&key, data, sizeof(data), signature, len),
				      "%s, bit %zu", key_algorithm_name(algorithm), bit);
			signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t cut = 0; cut < len; cut++)
			cr_expect_not(signature_verify(&key, data, sizeof(data), signature, cut));
		key_public_release(&key);
		EVP_PKEY_free(handle);
	}
}

/* r and s as two numbers of 32 bytes, as JOSE and some hardware write them. */
Test(seal_signature, a_p256_signature_that_is_not_der_is_refused)
{
	static const char data[] = "abc";
	uint8_t der[SIGNATURE_MAX], plain[64];
	struct key_public key;
	EVP_PKEY *handle;
	size_t len, r_len, s_len;
	const uint8_t *r, *s;

	generate(KEY_P256, &handle, &key);
	cr_assert(signature_sign(handle, KEY_P256, data, sizeof(data), der, &len));
	r_len = der[3];
	r = der + 4;
	s_len = r[r_len + 1];
	s = r + r_len + 2;
	memset(plain, 0, sizeof(plain));
	memcpy(plain + 32 - (r_len > 32 ? 32 : r_len), r + (r_len > 32), r_len > 32 ? 32 : r_len);
	memcpy(plain + 64 - (s_len > 32 ? 32 : s_len), s + (s_len > 32), s_len > 32 ? 32 : s_len);
	cr_expect_not(signature_verify(&key, data, sizeof(data), plain, sizeof(plain)));
	key_public_release(&key);
	EVP_PKEY_free(handle);
}

Test(seal_key_public, a_file_is_read_as_it_was_written)
{
	for (enum key_purpose purpose = 0; purpose < KEY_PURPOSE_COUNT; purpose++) {
		struct buf file BUF_CLEANUP;
		struct key_public key, again;
		struct fault fault;
		EVP_PKEY *handle;

		generate(purpose % 2 == 0 ? KEY_ED25519 : KEY_P256, &handle, &key);
		key.purpose = purpose;
		buf_init(&file, KEY_FILE_MAX);
		key_public_write(&key, &file);
		cr_assert_eq(key_public_read(file.data, file.len, &again, &fault), FAULT_NONE, "%s",
			     fault.message);
		cr_expect_eq(again.purpose, purpose);
		cr_expect_str_eq(again.keyid, key.keyid);
		key_public_release(&again);
		for (size_t cut = 0; cut < file.len; cut++)
			if (key_public_read(file.data, cut, &again, &fault) == FAULT_NONE)
				cr_expect_fail("%zu bytes of %zu are a key", cut, file.len);
		key_public_release(&key);
		EVP_PKEY_free(handle);
	}
}

#define ED "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
#define FILE_OF(before, body, behind)                                                              \
	before "-----BEGIN PUBLIC KEY-----\n" body "-----END PUBLIC KEY-----\n" behind

static const struct {
	const char *what, *file;
} bad_files[] = {
	{"another label", "-----BEGIN RSA PUBLIC KEY-----\n" ED "\n-----END RSA PUBLIC KEY-----\n"},
	{"a private key", "-----BEGIN PRIVATE KEY-----\n" ED "\n-----END PRIVATE KEY-----\n"},
	{"an unknown purpose", FILE_OF("Purpose: sign\n", ED "\n", "")},
	{"two purposes", FILE_OF("Purpose: seal\nPurpose: seal\n", ED "\n", "")},
	{"a purpose with a tail", FILE_OF("Purpose: seal \n", ED "\n", "")},
	{"something behind it", FILE_OF("", ED "\n", "x")},
	{"two keys", FILE_OF("", ED "\n", FILE_OF("", ED "\n", ""))},
	{"an empty body", FILE_OF("", "", "")},
	{"an empty line", FILE_OF("", "\n" ED "\n", "")},
	{"a space", FILE_OF("", " " ED "\n", "")},
	{"no line feed", FILE_OF("", ED, "")},
	{"Windows line ends", FILE_OF("", ED "\r\n", "")},
	{"a short line that is not the last",
	 FILE_OF("", "MCow\nBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n", "")},
	{"X25519",
	 FILE_OF("", "MCowBQYDK2VuAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n", "")},
	{"not a point of P-256",
	 FILE_OF("",
		 "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEdU8QBvQ0lHU4UtXL6xc3nWcGWrC6\n"
		 "a9YyIzJlWgFokUFF/l6Y12vq1/xRyfF8MovmYX6r3IBrjV5SMndZd8y8pA==\n",
		 "")},
};

Test(seal_key_public, anything_else_is_refused)
{
	struct key_public key;
	struct fault fault;

	for (size_t i = 0; i < sizeof(bad_files) / sizeof(bad_files[0]); i++) {
		cr_expect_eq(
			key_public_read(bad_files[i].file, strlen(bad_files[i].file), &key, &fault),
			FAULT_REPORT_SIGNATURE, "%s", bad_files[i].what);
		key_public_release(&key);
	}
}

/* The positive control beside them. */
Test(seal_key_public, the_same_file_without_the_fault_is_read)
{
	static const char file[] = FILE_OF("Purpose: archive\n", ED "\n", "");
	struct key_public key;
	struct fault fault;

	cr_assert_eq(key_public_read(file, sizeof(file) - 1, &key, &fault), FAULT_NONE);
	cr_expect_eq(key.purpose, KEY_PURPOSE_ARCHIVE);
	cr_expect_eq(key.algorithm, KEY_ED25519);
	key_public_release(&key);
}
