/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/hash_text.h"

#include <string.h>

static bool digit_read(char digit, unsigned int *out)
{
	if (digit >= '0' && digit <= '9')
		*out = (unsigned int)(digit - '0');
	else if (digit >= 'a' && digit <= 'f')
		*out = (unsigned int)(digit - 'a') + 10;
	else
		return false;
	return true;
}

bool hash_text_read(struct span text, uint8_t out[DIGEST_SIZE])
{
	static const char prefix[] = "sha256:";
	const char *digits = text.at + sizeof(prefix) - 1;

	if (text.len != DIGEST_TEXT_SIZE - 1 || memcmp(text.at, prefix, sizeof(prefix) - 1) != 0)
		return false;
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		unsigned int high, low;

		if (!digit_read(digits[2 * i], &high) || !digit_read(digits[2 * i + 1], &low))
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}
