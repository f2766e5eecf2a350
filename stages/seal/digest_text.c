/* SPDX-License-Identifier: Apache-2.0 */
/* What digests look like, for those too who compute none: without libcrypto. */
#include "stages/seal/digest.h"

#include <string.h>

void digest_text(const uint8_t value[DIGEST_SIZE], char out[DIGEST_TEXT_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	static const char prefix[] = "sha256:";
	char *at = out + sizeof(prefix) - 1;

	memcpy(out, prefix, sizeof(prefix) - 1);
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		*at++ = hex[value[i] >> 4];
		*at++ = hex[value[i] & 0x0f];
	}
	*at = '\0';
}

bool digest_text_valid(const char *text)
{
	static const char prefix[] = "sha256:";

	return strlen(text) == DIGEST_TEXT_SIZE - 1 &&
	       strncmp(text, prefix, sizeof(prefix) - 1) == 0 &&
	       strspn(text + sizeof(prefix) - 1, "0123456789abcdef") == 2 * (size_t)DIGEST_SIZE;
}
