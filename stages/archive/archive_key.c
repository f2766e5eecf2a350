/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/archive_key.h"

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

const uint8_t *archive_key_bytes(const struct key_public *key)
{
	return key->spki + key->spki_len - NOTE_PUBLIC_SIZE;
}

static bool verifies(const struct key_public *key, struct span text,
		     const uint8_t signature[NOTE_SIGNATURE_SIZE])
{
	return signature_verify(key, text.at, text.len, signature, NOTE_SIGNATURE_SIZE);
}

static enum fault_code wrong(struct fault *fault, const char *what)
{
	return fault_set(fault, FAULT_ARCHIVE, "checkpoint", "%s", what);
}

enum fault_code archive_key_check_note(const struct key_public *key, const struct note *note,
				       struct fault *fault)
{
	uint8_t key_hash[NOTE_KEY_HASH_SIZE], signature[NOTE_SIGNATURE_SIZE];

	note_key_hash(note->checkpoint.origin, archive_key_bytes(key), key_hash);
	switch (note_find_signature(note, key_hash, signature)) {
	case NOTE_SIGNER_NONE:
		return wrong(fault, "no signature in the name of its origin");
	case NOTE_SIGNER_OTHER:
		return wrong(fault, "signed in the name of its origin, but by another key");
	case NOTE_SIGNER_TWICE:
		return wrong(fault, "two signatures of one key");
	case NOTE_SIGNER_FOUND:
		break;
	}
	if (!verifies(key, note->text, signature))
		return wrong(fault, "the signature is not over these bytes");
	return FAULT_NONE;
}
