/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/unescape.h"

#include <string.h>

static int hex_value(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = digit != '\0' ? strchr(digits, digit) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* The byte behind a backslash; *taken is how much of the text it was. 0: none. */
static char escaped_byte(const char *text, size_t *taken)
{
	int high, low;

	*taken = 1;
	if (text[0] == '\\')
		return '\\';
	*taken = 3;
	high = text[0] == 'x' ? hex_value(text[1]) : -1;
	low = high >= 0 ? hex_value(text[2]) : -1;
	if (low < 0)
		return '\0';
	return (char)(high << 4 | low);
}

bool unescape(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text != '\0'; text++) {
		size_t taken = 0;
		char byte = *text == '\\' ? escaped_byte(text + 1, &taken) : *text;

		if (byte == '\0' || used + 1 >= size)
			return false;
		out[used++] = byte;
		text += taken;
	}
	if (size == 0)
		return false;
	out[used] = '\0';
	return true;
}
