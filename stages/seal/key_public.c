/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/key_public.h"

#include "stages/seal/base64.h"
#include "stages/seal/digest.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#define PEM_BEGIN "-----BEGIN PUBLIC KEY-----\n"
#define PEM_END	  "-----END PUBLIC KEY-----\n"
#define PEM_LINE  64

static const char place[] = "key";

/* The point with the byte that says "uncompressed", the last of the head. */
static EVP_PKEY *load_p256(const uint8_t *spki, size_t len)
{
	size_t point_at = key_spki_head(KEY_P256) - 1;
	uint8_t point[65];
	char group[] = "P-256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *handle = NULL;

	memcpy(point, spki + point_at, len - point_at);
	if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &handle, EVP_PKEY_PUBLIC_KEY, params) != 1)
		handle = NULL;
	EVP_PKEY_CTX_free(context);
	return handle;
}

static EVP_PKEY *load(enum key_algorithm algorithm, const uint8_t *spki, size_t len)
{
	switch (algorithm) {
	case KEY_ED25519:
		return EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL,
						      spki + key_spki_head(algorithm),
						      len - key_spki_head(algorithm));
	case KEY_P256:
		return load_p256(spki, len);
	case KEY_ALGORITHM_COUNT:
		break;
	}
	return NULL;
}

enum fault_code key_public_from_spki(const uint8_t *spki, size_t len, struct key_public *key,
				     struct fault *fault)
{
	uint8_t sum[DIGEST_SIZE];

	*key = (struct key_public){.algorithm = key_spki_recognise(spki, len), .spki_len = len};
	if (key->algorithm == KEY_ALGORITHM_COUNT)
		return fault_set(fault, FAULT_REPORT_SIGNATURE, place,
				 "not an Ed25519 or P-256 key (SubjectPublicKeyInfo)");
	key->handle = load(key->algorithm, spki, len);
	if (key->handle == NULL)
		return fault_set(fault, FAULT_REPORT_SIGNATURE, place,
				 "its bytes are no point of the curve");
	memcpy(key->spki, spki, len);
	digest_bytes(spki, len, sum);
	key_id_write(sum, key->keyid);
	return FAULT_NONE;
}

/* Lines of base64, all full but the last, up to the END line and nothing behind it. */
static bool take_body(const char *text, size_t len, uint8_t *out, size_t size, size_t *out_len)
{
	char joined[(KEY_SPKI_MAX + 2) / 3 * 4];
	size_t joined_len = 0;
	bool last = false;

	while (!key_skip(&text, &len, PEM_END)) {
		const char *end = memchr(text, '\n', len);
		size_t line = end == NULL ? 0 : (size_t)(end - text);

		if (line == 0 || line > PEM_LINE || last || line > sizeof(joined) - joined_len)
			return false;
		last = line < PEM_LINE;
		memcpy(joined + joined_len, text, line);
		joined_len += line;
		text += line + 1;
		len -= line + 1;
	}
	return len == 0 && base64_decode(joined, joined_len, out, size, out_len);
}

enum fault_code key_public_read(const char *file, size_t len, struct key_public *key,
				struct fault *fault)
{
	enum key_purpose purpose = KEY_PURPOSE_NONE;
	uint8_t spki[KEY_SPKI_MAX + 3];
	size_t spki_len;

	*key = (struct key_public){.algorithm = KEY_ALGORITHM_COUNT};
	if (len > KEY_FILE_MAX || !key_take_purpose(&file, &len, &purpose) ||
	    !key_skip(&file, &len, PEM_BEGIN) ||
	    !take_body(file, len, spki, sizeof(spki), &spki_len))
		return fault_set(fault, FAULT_REPORT_SIGNATURE, place,
				 "not a public key in PEM: what safe-run key generate or openssl "
				 "pkey -pubout writes");
	if (key_public_from_spki(spki, spki_len, key, fault) != FAULT_NONE)
		return fault->code;
	key->purpose = purpose;
	return FAULT_NONE;
}

void key_public_release(struct key_public *key)
{
	EVP_PKEY_free(key->handle);
	*key = (struct key_public){.algorithm = KEY_ALGORITHM_COUNT};
}

void key_public_write(const struct key_public *key, struct buf *out)
{
	struct buf text BUF_CLEANUP;

	buf_init(&text, KEY_FILE_MAX);
	base64_append(&text, key->spki, key->spki_len);
	key_put_purpose(key->purpose, out);
	buf_append_text(out, PEM_BEGIN);
	for (size_t at = 0; at < text.len; at += PEM_LINE) {
		buf_append(out, text.data + at,
			   text.len - at < PEM_LINE ? text.len - at : PEM_LINE);
		buf_append_text(out, "\n");
	}
	buf_append_text(out, PEM_END);
}
