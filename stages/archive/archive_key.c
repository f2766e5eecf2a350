/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/archive_key.h"

#include "stages/archive/file.h"
#include "stages/seal/signature.h"

static const char place[] = "archive.key";

enum fault_code archive_key_check(const struct key_public *key, struct fault *fault)
{
	if (key->algorithm != KEY_ED25519)
		return fault_set(
			fault, FAULT_ARCHIVE, place,
			"an archive's key is an Ed25519 key: a checkpoint has no place for "
			"another");
	switch (key->purpose) {
	case KEY_PURPOSE_ARCHIVE:
	case KEY_PURPOSE_NONE:
		return FAULT_NONE;
	case KEY_PURPOSE_SEAL:
	case KEY_PURPOSE_COUNT:
		break;
	}
	return fault_set(fault, FAULT_ARCHIVE, place,
			 "this key seals reports; an archive has a key of its own: safe-run key "
			 "generate --purpose archive");
}

enum fault_code archive_key_load(int fd, struct key_public *key, struct fault *fault)
{
	struct buf text BUF_CLEANUP;

	*key = (struct key_public){.algorithm = KEY_ALGORITHM_COUNT};
	buf_init(&text, KEY_FILE_MAX + 1);
	if (file_read(fd, place, &text, fault) != FAULT_NONE)
		return fault->code;
	if (key_public_read(text.data, text.len, key, fault) != FAULT_NONE)
		return fault->code;
	return archive_key_check(key, fault);
}

const uint8_t *archive_key_bytes(const struct key_public *key)
{
	return key->spki + key->spki_len - NOTE_PUBLIC_SIZE;
}

bool archive_key_verify(const struct key_public *key, struct span text,
			const uint8_t signature[NOTE_SIGNATURE_SIZE])
{
	return signature_verify(key, text.at, text.len, signature, NOTE_SIGNATURE_SIZE);
}
