/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/key_id.h"

#include <stdio.h>
#include <string.h>

bool key_id_valid(const char *text)
{
	return strlen(text) == KEY_ID_SIZE - 1 &&
	       strspn(text, "0123456789abcdef") == KEY_ID_SIZE - 1;
}

void key_id_write(const uint8_t sum[32], char keyid[KEY_ID_SIZE])
{
	for (size_t i = 0; i < 32; i++)
		snprintf(keyid + 2 * i, 3, "%02x", sum[i]);
}
