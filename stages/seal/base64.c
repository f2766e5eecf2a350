/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/base64.h"

#define GROUP 4

enum alphabet { ALPHABET_EITHER, ALPHABET_STANDARD, ALPHABET_URL_SAFE };

void base64_append(struct buf *out, const void *data, size_t len)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *at = data;

	while (len > 0) {
		size_t taken = len < 3 ? len : 3;
		uint32_t bits = (uint32_t)at[0] << 16;
		char group[GROUP];

		if (taken > 1)
			bits |= (uint32_t)at[1] << 8;
		if (taken > 2)
			bits |= at[2];
		for (unsigned int i = 0; i < GROUP; i++)
			group[i] = i <= taken ? letters[bits >> (18 - 6 * i) & 0x3f] : '=';
		buf_append(out, group, sizeof(group));
		at += taken;
		len -= taken;
	}
}

/* The six bits a character stands for; -1 when it stands for none in the alphabet met so far. */
static int value_of(char letter, enum alphabet *alphabet)
{
	enum alphabet own = ALPHABET_EITHER;
	int value = -1;

	if (letter >= 'A' && letter <= 'Z')
		return letter - 'A';
	if (letter >= 'a' && letter <= 'z')
		return letter - 'a' + 26;
	if (letter >= '0' && letter <= '9')
		return letter - '0' + 52;
	if (letter == '+' || letter == '/') {
		own = ALPHABET_STANDARD;
		value = letter == '+' ? 62 : 63;
	} else if (letter == '-' || letter == '_') {
		own = ALPHABET_URL_SAFE;
		value = letter == '-' ? 62 : 63;
	}
	if (*alphabet == ALPHABET_EITHER)
		*alphabet = own;
	return *alphabet == own ? value : -1;
}

/* Characters of a group before its padding: 4, 3 or 2; 0 when it is no group. */
static unsigned int letters_in(const char *group, bool last)
{
	if (!last || group[3] != '=')
		return GROUP;
	return group[2] == '=' ? 2 : 3;
}

static bool decode_group(const char *group, unsigned int letters, enum alphabet *alphabet,
			 uint8_t out[3])
{
	uint32_t bits = 0;

	for (unsigned int i = 0; i < GROUP; i++) {
		int value = i < letters ? value_of(group[i], alphabet) : 0;

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
	}
	out[0] = (uint8_t)(bits >> 16);
	out[1] = (uint8_t)(bits >> 8);
	out[2] = (uint8_t)bits;
	/* What lies behind the last byte must be zero, or the bytes had many spellings. */
	return (letters > 2 || out[1] == 0) && (letters > 3 || out[2] == 0);
}

bool base64_decode(const char *text, size_t len, uint8_t *out, size_t size, size_t *out_len)
{
	enum alphabet alphabet = ALPHABET_EITHER;

	*out_len = 0;
	if (len % GROUP != 0)
		return false;
	for (size_t at = 0; at < len; at += GROUP) {
		unsigned int letters = letters_in(text + at, at + GROUP == len);
		size_t bytes = letters - 1;
		uint8_t group[3];

		if (bytes > size - *out_len || !decode_group(text + at, letters, &alphabet, group))
			return false;
		for (size_t i = 0; i < bytes; i++)
			out[(*out_len)++] = group[i];
	}
	return true;
}
