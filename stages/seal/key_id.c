/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/key_id.h"

#include <string.h>

bool key_id_valid(const char *text)
{
	return strlen(text) == KEY_ID_SIZE - 1 &&
	       strspn(text, "0123456789abcdef") == KEY_ID_SIZE - 1;
}
