/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/egress/host_text.h"

#include <string.h>

static bool is_name_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

bool host_text_take(const void *bytes, size_t len, char out[DNS_NAME_SIZE])
{
	const char *text = bytes;
	uint8_t wire[DNS_NAME_WIRE_MAX];
	const char *last;

	if (len == 0 || len > DNS_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!is_name_character(c))
			return false;
		out[i] = c;
	}
	out[len] = '\0';
	last = strrchr(out, '.');
	return last != NULL && last[1 + strspn(last + 1, "0123456789")] != '\0' &&
	       dns_name_write(out, wire) != 0;
}
