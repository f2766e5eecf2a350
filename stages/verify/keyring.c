/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/keyring.h"

#include "ipc/canon.h"
#include "stages/seal/base64.h"
#include "stages/seal/shape.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE FAULT_REPORT_SIGNATURE

static const struct shape_field entry_fields[] = {
	SHAPE_FIELD("algorithm", SHAPE_STRING),
	SHAPE_FIELD("keyid", SHAPE_STRING),
	SHAPE_FIELD("notAfter", SHAPE_STRING | SHAPE_NULL),
	SHAPE_FIELD("notBefore", SHAPE_STRING | SHAPE_NULL),
	SHAPE_FIELD("publicKey", SHAPE_STRING),
	SHAPE_FIELD("purpose", SHAPE_STRING),
	SHAPE_FIELD("revokedAt", SHAPE_STRING | SHAPE_NULL),
	SHAPE_FIELD("schemaVersion", SHAPE_STRING),
};
static const struct shape entry_shape = {
	entry_fields, sizeof(entry_fields) / sizeof(entry_fields[0]), SHAPE_CLOSED};

static enum fault_code add(struct keyring *ring, struct keyring_key **key, struct fault *fault)
{
	if (ring->keys == NULL)
		ring->keys = calloc(KEYRING_MAX, sizeof(*ring->keys));
	if (ring->keys == NULL)
		buf_no_memory();
	if (ring->count == KEYRING_MAX)
		return fault_set(fault, CODE, "key", "more than %d keys", KEYRING_MAX);
	*key = &ring->keys[ring->count++];
	(*key)->file.fd = -1;
	(*key)->key.algorithm = KEY_ALGORITHM_COUNT;
	return FAULT_NONE;
}

enum fault_code keyring_open_file(struct keyring *ring, const char *path, struct fault *fault)
{
	struct keyring_key *key = NULL;

	if (add(ring, &key, fault) != FAULT_NONE)
		return fault->code;
	key->named = ring->any_named = true;
	return side_file_open(&key->file, AT_FDCWD, path, NULL, CODE, fault);
}

/* What somebody else may change is no ground for trust. */
static enum fault_code check_owner(int fd, const char *name, struct fault *fault)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return fault_set_errno(fault, CODE, errno, name, "fstat");
	if ((status.st_uid == 0 || status.st_uid == geteuid()) && (status.st_mode & 022) == 0)
		return FAULT_NONE;
	return fault_set(fault, CODE, name,
			 "'%s' can be changed by others (owner %u, mode %04o): what it says cannot "
			 "be trusted",
			 name, (unsigned int)status.st_uid, (unsigned int)status.st_mode & 07777);
}

static bool is_entry(const char *name)
{
	char keyid[KEY_ID_SIZE];

	if (strlen(name) != KEY_ID_SIZE - 1 + strlen(".json") ||
	    strcmp(name + KEY_ID_SIZE - 1, ".json") != 0)
		return false;
	memcpy(keyid, name, KEY_ID_SIZE - 1);
	keyid[KEY_ID_SIZE - 1] = '\0';
	return key_id_valid(keyid);
}

static enum fault_code open_entries(struct keyring *ring, DIR *directory, struct fault *fault)
{
	struct dirent *entry;
	struct keyring_key *key = NULL;

	while ((entry = readdir(directory)) != NULL) {
		if (!is_entry(entry->d_name))
			continue;
		if (add(ring, &key, fault) != FAULT_NONE ||
		    side_file_open(&key->file, dirfd(directory), entry->d_name, NULL, CODE,
				   fault) != FAULT_NONE ||
		    check_owner(key->file.fd, key->file.name, fault) != FAULT_NONE)
			return fault->code;
	}
	return FAULT_NONE;
}

enum fault_code keyring_open_directory(struct keyring *ring, const char *path, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *directory;
	enum fault_code code;

	if (fd < 0)
		return fault_set_errno(fault, CODE, errno, "trust",
				       "cannot open the trust directory '%s'", path);
	if (check_owner(fd, path, fault) != FAULT_NONE) {
		close(fd);
		return fault->code;
	}
	directory = fdopendir(fd);
	if (directory == NULL)
		buf_no_memory();
	code = open_entries(ring, directory, fault);
	closedir(directory);
	return code;
}

static bool take_time(struct span entry, const char *name, char out[EVENT_TIMESTAMP_SIZE])
{
	struct span value = span_get(entry, name), text;

	return span_null(value) ||
	       (span_string(value, &text) && span_copy(text, out, EVENT_TIMESTAMP_SIZE) &&
		event_timestamp_valid(out));
}

static bool take_purpose(struct span entry, enum key_purpose *purpose)
{
	char name[16];
	struct span text;

	if (!span_string(span_get(entry, "purpose"), &text) || !span_copy(text, name, sizeof(name)))
		return false;
	*purpose = key_purpose_parse(name);
	return *purpose != KEY_PURPOSE_COUNT;
}

/* The name of the file, the id it states and the key it holds are one. */
static enum fault_code read_entry(struct keyring_key *key, struct fault *fault)
{
	struct span entry = side_file_text(&key->file), text;
	const char *name = key->file.name;
	enum key_purpose purpose;
	uint8_t spki[KEY_SPKI_MAX + 3];
	size_t len;

	if (!canon_check(entry.at, entry.len, NULL) ||
	    shape_check(&entry_shape, entry, name, CODE, fault) != FAULT_NONE ||
	    !span_says(span_get(entry, "schemaVersion"), KEYRING_SCHEMA) ||
	    !take_time(entry, "notBefore", key->not_before) ||
	    !take_time(entry, "notAfter", key->not_after) ||
	    !take_time(entry, "revokedAt", key->revoked_at) || !take_purpose(entry, &purpose) ||
	    !span_string(span_get(entry, "publicKey"), &text) ||
	    !base64_decode(text.at, text.len, spki, sizeof(spki), &len))
		return fault_set(fault, CODE, name,
				 "not an entry of a trust directory: safe-run key trust writes "
				 "them");
	if (key_public_from_spki(spki, len, &key->key, fault) != FAULT_NONE)
		return fault->code;
	key->key.purpose = purpose;
	if (span_says(span_get(entry, "keyid"), key->key.keyid) &&
	    strncmp(name, key->key.keyid, KEY_ID_SIZE - 1) == 0 &&
	    span_says(span_get(entry, "algorithm"), key_algorithm_name(key->key.algorithm)))
		return FAULT_NONE;
	return fault_set(fault, CODE, name, "it holds another key than it names");
}

enum fault_code keyring_read(struct keyring *ring, struct fault *fault)
{
	for (size_t i = 0; i < ring->count; i++) {
		struct keyring_key *key = &ring->keys[i];
		enum fault_code code = side_file_read(&key->file, KEY_FILE_MAX, CODE, fault);

		if (code == FAULT_NONE)
			code = key->named ? key_public_read(key->file.data, key->file.len,
							    &key->key, fault)
					  : read_entry(key, fault);
		if (code != FAULT_NONE)
			return code;
	}
	return FAULT_NONE;
}

const struct keyring_key *keyring_find(const struct keyring *ring, const char *keyid)
{
	const struct keyring_key *found = NULL;
	bool named = false;

	for (size_t i = 0; i < ring->count; i++) {
		const struct keyring_key *key = &ring->keys[i];

		if (strcmp(key->key.keyid, keyid) != 0)
			continue;
		if (key->revoked_at[0] != '\0')
			return key;
		named = named || key->named;
		/* An entry, which may have limits, before a bare file. */
		if (found == NULL || found->named)
			found = key;
	}
	return ring->any_named && !named ? NULL : found;
}

/* Times are RFC 3339 of one length in UTC: their text sorts as they do. */
enum fault_code keyring_admit(const struct keyring_key *key, enum key_purpose purpose,
			      const char *finished_at, struct fault *fault)
{
	const char *keyid = key->key.keyid;

	if (key->revoked_at[0] != '\0')
		return fault_set(fault, CODE, "key",
				 "key %s was revoked at %s: whoever has it can date a report as "
				 "they like",
				 keyid, key->revoked_at);
	if (key->key.purpose != purpose && key->key.purpose != KEY_PURPOSE_NONE)
		return fault_set(fault, CODE, "key", "key %s was made for the purpose '%s'", keyid,
				 key_purpose_name(key->key.purpose));
	if (key->not_before[0] != '\0' && strcmp(finished_at, key->not_before) < 0)
		return fault_set(fault, CODE, "key", "key %s is trusted only from %s on", keyid,
				 key->not_before);
	if (key->not_after[0] != '\0' && strcmp(finished_at, key->not_after) > 0)
		return fault_set(fault, CODE, "key", "key %s had expired: trusted until %s", keyid,
				 key->not_after);
	return FAULT_NONE;
}

void keyring_release(struct keyring *ring)
{
	for (size_t i = 0; i < ring->count; i++) {
		side_file_release(&ring->keys[i].file);
		key_public_release(&ring->keys[i].key);
	}
	free(ring->keys);
	*ring = (struct keyring){.keys = NULL};
}
