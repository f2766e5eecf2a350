/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_UTF8_H
#define IPC_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Length of the well-formed UTF-8 sequence at text (Unicode 15, table 3-7), 1 to 4; 0 when there
 * is none within available bytes. Overlong forms, surrogates and values past U+10FFFF are not well
 * formed. Inline: it sits in the inner loop of canon_check.
 */
static inline size_t utf8_sequence(const char *text, size_t available)
{
	const unsigned char *byte = (const unsigned char *)text;
	unsigned char lowest = 0x80, highest = 0xBF;
	size_t len;

	if (available == 0)
		return 0;
	if (byte[0] < 0x80)
		return 1;
	if (byte[0] < 0xC2 || byte[0] > 0xF4)
		return 0;
	len = byte[0] < 0xE0 ? 2 : byte[0] < 0xF0 ? 3 : 4;
	if (available < len)
		return 0;
	if (byte[0] == 0xE0)
		lowest = 0xA0;
	else if (byte[0] == 0xED)
		highest = 0x9F;
	else if (byte[0] == 0xF0)
		lowest = 0x90;
	else if (byte[0] == 0xF4)
		highest = 0x8F;
	if (byte[1] < lowest || byte[1] > highest)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (byte[i] < 0x80 || byte[i] > 0xBF)
			return 0;
	return len;
}

/*
 * Whether the well-formed sequence of len bytes is a character nobody sees that decides in which
 * order the others are shown, or where a line ends, so that a text can look like another: ALM
 * (U+061C), LRM and RLM (U+200E, U+200F), the line and paragraph separators and the embeddings
 * (U+2028 to U+202E), the isolates (U+2066 to U+2069); Unicode 15, UAX #9.
 */
static inline bool utf8_arranges(const char *text, size_t len)
{
	const unsigned char *byte = (const unsigned char *)text;

	if (len == 2)
		return byte[0] == 0xD8 && byte[1] == 0x9C;
	if (len != 3 || byte[0] != 0xE2)
		return false;
	if (byte[1] == 0x80)
		return byte[2] == 0x8E || byte[2] == 0x8F || (byte[2] >= 0xA8 && byte[2] <= 0xAE);
	return byte[1] == 0x81 && byte[2] >= 0xA6 && byte[2] <= 0xA9;
}

#endif
