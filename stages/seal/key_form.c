/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/key_form.h"

#include <string.h>

#define PURPOSE "Purpose: "

static const char *const algorithms[KEY_ALGORITHM_COUNT] = {
	[KEY_ED25519] = "ed25519",
	[KEY_P256] = "p256",
};

static const char *const purposes[KEY_PURPOSE_COUNT] = {
	[KEY_PURPOSE_NONE] = "",
	[KEY_PURPOSE_SEAL] = "seal",
	[KEY_PURPOSE_ARCHIVE] = "archive",
};

/* The 16 bytes of DER in front of the key's 32 are 21 characters of base64 and a third of one. */
#define PLAIN_HEAD "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI"

static const char *const plain_heads[] = {PLAIN_HEAD, PURPOSE "seal\n" PLAIN_HEAD};

const char *key_algorithm_name(enum key_algorithm algorithm)
{
	return algorithms[algorithm];
}

const char *key_purpose_name(enum key_purpose purpose)
{
	return purposes[purpose];
}

enum key_algorithm key_algorithm_parse(const char *name)
{
	enum key_algorithm algorithm = 0;

	while (algorithm < KEY_ALGORITHM_COUNT && strcmp(name, algorithms[algorithm]) != 0)
		algorithm++;
	return algorithm;
}

enum key_purpose key_purpose_parse(const char *name)
{
	enum key_purpose purpose = KEY_PURPOSE_SEAL;

	while (purpose < KEY_PURPOSE_COUNT && strcmp(name, purposes[purpose]) != 0)
		purpose++;
	return purpose;
}

bool key_skip(const char **text, size_t *len, const char *word)
{
	size_t word_len = strlen(word);

	if (*len < word_len || memcmp(*text, word, word_len) != 0)
		return false;
	*text += word_len;
	*len -= word_len;
	return true;
}

bool key_take_purpose(const char **text, size_t *len, enum key_purpose *purpose)
{
	if (!key_skip(text, len, PURPOSE))
		return true;
	for (*purpose = KEY_PURPOSE_SEAL; *purpose < KEY_PURPOSE_COUNT; (*purpose)++) {
		const char *rest = *text;
		size_t rest_len = *len;

		if (!key_skip(&rest, &rest_len, purposes[*purpose]) ||
		    !key_skip(&rest, &rest_len, "\n"))
			continue;
		*text = rest;
		*len = rest_len;
		return true;
	}
	return false;
}

void key_put_purpose(enum key_purpose purpose, struct buf *out)
{
	if (purpose == KEY_PURPOSE_NONE)
		return;
	buf_append_text(out, PURPOSE);
	buf_append_text(out, purposes[purpose]);
	buf_append_text(out, "\n");
}

enum fault_code key_require_seal(enum key_purpose purpose, struct fault *fault)
{
	if (purpose != KEY_PURPOSE_ARCHIVE)
		return FAULT_NONE;
	return fault_set(fault, FAULT_REPORT_SIGNATURE, "key",
			 "this key was made for an archive, not to seal reports");
}

size_t key_plain_head(uint64_t file_len)
{
	for (size_t i = 0; i < sizeof(plain_heads) / sizeof(plain_heads[0]); i++)
		if (file_len == strlen(plain_heads[i]) + KEY_PLAIN_REST)
			return strlen(plain_heads[i]);
	return 0;
}

bool key_is_plain(const char *head, size_t len)
{
	for (size_t i = 0; i < sizeof(plain_heads) / sizeof(plain_heads[0]); i++)
		if (len == strlen(plain_heads[i]) && memcmp(head, plain_heads[i], len) == 0)
			return true;
	return false;
}
