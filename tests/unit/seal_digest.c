/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/digest.h"

#include "ipc/object.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <openssl/evp.h>
#include <string.h>

/* FIPS 180-4 and NIST's example values. */
static const struct {
	const char *text;
	const char *hash;
} known[] = {
	{"", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	 "sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

Test(seal_digest, known_answers)
{
	cr_assert_eq(digest_prewarm(), 0);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		char text[DIGEST_TEXT_SIZE];
		uint8_t value[DIGEST_SIZE];

		digest_bytes(known[i].text, strlen(known[i].text), value);
		digest_text(value, text);
		cr_expect_str_eq(text, known[i].hash, "%s", known[i].text);
	}
}

/* The provider's SHA-256 is another way to the same function: equal at every block boundary. */
Test(seal_digest, equals_the_providers_in_pieces_of_any_size)
{
	uint8_t data[300], expected[DIGEST_SIZE], value[DIGEST_SIZE];
	struct digest *digest = digest_new();

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	for (size_t len = 0; len <= sizeof(data); len++) {
		cr_assert_eq(EVP_Digest(data, len, expected, NULL, EVP_sha256(), NULL), 1);
		digest_reset(digest);
		digest_update(digest, data, len / 3);
		digest_value(digest, value); /* a look does not disturb it */
		digest_update(digest, data + len / 3, len - len / 3);
		digest_value(digest, value);
		cr_expect_arr_eq(value, expected, DIGEST_SIZE, "%zu bytes", len);
	}
	digest_free(digest);
}

static const struct {
	const char *text;
	bool valid;
} texts[] = {
	{"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", true},
	{"sha256:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false},
	{"SHA256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false},
	{"sha512:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false},
	{"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false},
	{"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85", false},
	{"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8550", false},
	{"sha256:g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false},
	{"sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false},
	{"", false},
};

Test(seal_digest, syntax)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(digest_text_valid(texts[i].text), texts[i].valid, "%s", texts[i].text);
}

Test(seal_digest, of_a_value_is_of_its_canonical_form)
{
	struct json_object *value OBJECT_CLEANUP =
		json_tokener_parse(" { \"b\" : 1, \"a\" : [] } ");
	struct json_object *alien OBJECT_CLEANUP = json_tokener_parse("1.5");
	char text[DIGEST_TEXT_SIZE], expected[DIGEST_TEXT_SIZE];
	uint8_t sum[DIGEST_SIZE];

	digest_bytes("{\"a\":[],\"b\":1}", 14, sum);
	digest_text(sum, expected);
	cr_assert(digest_json(value, text));
	cr_expect_str_eq(text, expected);
	cr_expect(!digest_json(alien, text));
}
