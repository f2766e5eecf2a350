/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/note_signer.h"

#include "stages/archive/archive_key.h"

/* By name and key hash; what the signature is worth is not looked at. */
static bool claims(const struct note *note, const struct key_public *key)
{
	uint8_t key_hash[NOTE_KEY_HASH_SIZE], signature[NOTE_SIGNATURE_SIZE];

	if (key->algorithm != KEY_ED25519)
		return false;
	note_key_hash(note->checkpoint.origin, archive_key_bytes(key), key_hash);
	switch (note_find_signature(note, key_hash, signature)) {
	case NOTE_SIGNER_NONE:
	case NOTE_SIGNER_OTHER:
		return false;
	case NOTE_SIGNER_FOUND:
	case NOTE_SIGNER_TWICE:
		break;
	}
	return true;
}

enum fault_code note_signer_find(const struct note *note, const struct keyring *ring,
				 const char *at, const struct keyring_key **signer,
				 struct fault *fault)
{
	enum fault_code barred = FAULT_NONE;

	*signer = NULL;
	for (size_t i = 0; i < ring->count; i++) {
		const struct keyring_key *key = keyring_find(ring, ring->keys[i].key.keyid);

		if (key == NULL || !claims(note, &key->key))
			continue;
		if (archive_key_check_note(&key->key, note, fault) != FAULT_NONE)
			return fault->code;
		if (keyring_admit(key, KEY_PURPOSE_ARCHIVE, at, fault) == FAULT_NONE)
			*signer = key;
		else
			barred = fault->code;
	}
	return *signer != NULL ? FAULT_NONE : barred;
}
