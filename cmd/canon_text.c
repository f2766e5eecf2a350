/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/canon_text.h"

#include "ipc/buf.h"
#include "ipc/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool is_high_surrogate(uint32_t unit)
{
	return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low_surrogate(uint32_t unit)
{
	return unit >= 0xDC00 && unit <= 0xDFFF;
}

static void append_utf8(struct buf *out, uint32_t code)
{
	unsigned char bytes[4];
	size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};

	for (size_t i = len - 1; i > 0; i--) {
		bytes[i] = (unsigned char)(0x80 | (code & 0x3F));
		code >>= 6;
	}
	bytes[0] = (unsigned char)(leads[len] | code);
	buf_append(out, bytes, len);
}

/* Four hexadecimal digits; -1 when there are none. */
static int32_t read_unit(const char *at, const char *end)
{
	int32_t unit = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		static const char digits[] = "0123456789abcdefABCDEF";
		const char *digit = memchr(digits, at[i], sizeof(digits) - 1);

		if (digit == NULL)
			return -1;
		unit = unit * 16 +
		       (int32_t)(digit - digits < 16 ? digit - digits : digit - digits - 6);
	}
	return unit;
}

/* \uXXXX, and a second one when the first is half of a pair; *at is at the first 'u'. */
static const char *decode_unicode(const char **at, const char *end, struct buf *out)
{
	int32_t first = read_unit(*at + 1, end), second;

	if (first < 0)
		return "\\u needs four hexadecimal digits";
	if (is_low_surrogate((uint32_t)first))
		return "a low surrogate without the high one before it";
	if (!is_high_surrogate((uint32_t)first)) {
		append_utf8(out, (uint32_t)first);
		*at += 5;
		return NULL;
	}
	second = end - *at >= 7 && memcmp(*at + 5, "\\u", 2) == 0 ? read_unit(*at + 7, end) : -1;
	if (second < 0 || !is_low_surrogate((uint32_t)second))
		return "a high surrogate without the low one behind it";
	append_utf8(out,
		    0x10000 + (((uint32_t)first - 0xD800) << 10) + ((uint32_t)second - 0xDC00));
	*at += 11;
	return NULL;
}

/* *at is at the backslash. */
static const char *decode_escape(const char **at, const char *end, struct buf *out)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *name;

	if (end - *at < 2)
		return "the string does not end";
	if ((*at)[1] == 'u') {
		(*at)++;
		return decode_unicode(at, end, out);
	}
	name = memchr(names, (*at)[1], sizeof(names) - 1);
	if (name == NULL)
		return "there is no such escape";
	buf_append(out, &values[name - names], 1);
	*at += 2;
	return NULL;
}

const char *canon_text_decode(const char **at, const char *end, struct buf *out)
{
	const char *why = NULL;

	for ((*at)++; why == NULL;) {
		size_t len;

		if (*at == end)
			return "the string does not end";
		if (**at == '"')
			break;
		if (**at == '\\') {
			why = decode_escape(at, end, out);
			continue;
		}
		len = utf8_sequence(*at, (size_t)(end - *at));
		if (len == 0)
			return "the string is not valid UTF-8";
		if ((unsigned char)**at < 0x20)
			return "a control character must be escaped";
		buf_append(out, *at, len);
		*at += len;
	}
	if (why == NULL)
		(*at)++;
	return why;
}

/* The code point at text, which is valid UTF-8. */
static uint32_t code_point(const char *text, size_t len)
{
	static const unsigned char masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
	uint32_t code = (unsigned char)text[0] & masks[len];

	for (size_t i = 1; i < len; i++)
		code = code << 6 | ((unsigned char)text[i] & 0x3F);
	return code;
}

/* Its first UTF-16 code unit: what lies past U+FFFF sorts among the surrogates, before U+E000. */
static uint32_t first_unit(uint32_t code)
{
	return code < 0x10000 ? code : 0xD800 + ((code - 0x10000) >> 10);
}

int canon_text_compare(const char *left, size_t left_len, const char *right, size_t right_len)
{
	while (left_len > 0 && right_len > 0) {
		size_t left_step = utf8_sequence(left, left_len);
		size_t right_step = utf8_sequence(right, right_len);
		uint32_t a = code_point(left, left_step), b = code_point(right, right_step);

		if (first_unit(a) != first_unit(b))
			return first_unit(a) < first_unit(b) ? -1 : 1;
		if (a != b)
			return a < b ? -1 : 1;
		left += left_step;
		left_len -= left_step;
		right += right_step;
		right_len -= right_step;
	}
	return (left_len > 0) - (right_len > 0);
}
