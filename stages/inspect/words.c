/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/inspect/words.h"

#include "ipc/event.h"
#include "ipc/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* One character on its way: where it is read from, and how it is written. */
struct reading {
	struct span rest;
	bool escaped;	/* a JSON string's inside: a backslash begins an escape */
	unsigned marks; /* combining characters in a row */
};

/* As many as any script piles up; more would be drawn over the lines around. */
#define MARKS_MAX 3

struct piece {
	char bytes[16];
	size_t len;
	size_t columns;
};

struct range {
	uint32_t first, last;
};

/* Unicode 15: controls, marks of direction, separators, what has no width, tags. */
static const struct range hidden[] = {
	{0x00, 0x1f},	  {0x7f, 0x9f},	      {0xad, 0xad},	{0x61c, 0x61c},	  {0x115f, 0x1160},
	{0x17b4, 0x17b5}, {0x180b, 0x180f},   {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
	{0x3164, 0x3164}, {0xe000, 0xf8ff},   {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfffb},
	{0xfffe, 0xffff}, {0xe0000, 0xe0fff},
};
static const struct range combining[] = {
	{0x300, 0x36f},	  {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},	{0x64b, 0x65f},
	{0x6d6, 0x6dc},	  {0x900, 0x902},   {0xe31, 0xe31},   {0xe34, 0xe3a},	{0x1ab0, 0x1aff},
	{0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};
static const struct range wide[] = {
	{0x1100, 0x115e},   {0x2e80, 0x303e},	{0x3041, 0xa4cf}, {0xac00, 0xd7a3},
	{0xf900, 0xfaff},   {0xfe30, 0xfe6f},	{0xff00, 0xff60}, {0xffe0, 0xffe6},
	{0x1f300, 0x1faff}, {0x20000, 0x3fffd},
};

#define WITHIN(ranges, code) within((ranges), sizeof(ranges) / sizeof((ranges)[0]), (code))

static bool within(const struct range *ranges, size_t count, uint32_t code)
{
	for (size_t i = 0; i < count; i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

static uint32_t skip(struct reading *reading, size_t len, uint32_t code)
{
	reading->rest.at += len;
	reading->rest.len -= len;
	return code;
}

static uint32_t hex_digit(char digit)
{
	return (uint32_t)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
}

/* Canonical JSON has \b \f \n \r \t \" \\ and \u00xx for the other controls, no more. */
static uint32_t next_escape(struct reading *reading)
{
	static const char names[] = "bfnrt";
	static const char codes[] = "\b\f\n\r\t";
	const char *at = reading->rest.at;
	const char *found = strchr(names, at[1]);

	if (at[1] == 'u' && reading->rest.len >= 6)
		return skip(reading, 6, hex_digit(at[4]) << 4 | hex_digit(at[5]));
	return skip(reading, 2,
		    found != NULL && at[1] != '\0' ? (uint32_t)codes[found - names]
						   : (uint32_t)(unsigned char)at[1]);
}

/* U+FFFD for a byte that is no UTF-8, which canonical text has none of. */
static uint32_t next_code(struct reading *reading)
{
	const unsigned char *at = (const unsigned char *)reading->rest.at;
	size_t len = utf8_sequence(reading->rest.at, reading->rest.len);
	uint32_t code;

	if (reading->escaped && at[0] == '\\' && reading->rest.len >= 2)
		return next_escape(reading);
	if (len <= 1)
		return skip(reading, 1, len == 0 ? 0xfffd : at[0]);
	code = at[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++)
		code = code << 6 | (at[i] & 0x3fU);
	return skip(reading, len, code);
}

static void put_utf8(struct piece *piece, uint32_t code)
{
	size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};

	piece->len = len;
	for (size_t i = len; i-- > 1; code >>= 6)
		piece->bytes[i] = (char)(0x80 | (code & 0x3f));
	piece->bytes[0] = (char)(leads[len] | code);
}

static void put_reference(struct piece *piece, const char *reference)
{
	piece->len = strlen(reference);
	memcpy(piece->bytes, reference, piece->len);
}

static void put_html(struct piece *piece, uint32_t code)
{
	switch (code) {
	case '&':
		put_reference(piece, "&amp;");
		break;
	case '<':
		put_reference(piece, "&lt;");
		break;
	case '>':
		put_reference(piece, "&gt;");
		break;
	case '"':
		put_reference(piece, "&quot;");
		break;
	case '\'':
		put_reference(piece, "&#39;");
		break;
	default:
		put_utf8(piece, code);
	}
}

static void next_piece(struct reading *reading, enum words_target target, struct piece *piece)
{
	uint32_t code = next_code(reading);
	bool combines = code >= 0x300 && WITHIN(combining, code);

	reading->marks = combines ? reading->marks + 1 : 0;
	piece->columns = 1;
	if (WITHIN(hidden, code) || reading->marks > MARKS_MAX ||
	    (code >= 0x80 && target == WORDS_ASCII)) {
		piece->len = (size_t)snprintf(piece->bytes, sizeof(piece->bytes), "\\u{%x}", code);
		piece->columns = piece->len;
	} else if (target == WORDS_HTML) {
		put_html(piece, code);
	} else {
		put_utf8(piece, code);
		piece->columns = combines ? 0 : WITHIN(wide, code) ? 2 : 1;
	}
}

static size_t columns_of(struct reading reading, enum words_target target, size_t enough)
{
	size_t columns = 0;
	struct piece piece;

	while (reading.rest.len > 0 && columns <= enough) {
		next_piece(&reading, target, &piece);
		columns += piece.columns;
	}
	return columns;
}

static size_t put_missing(struct buf *out, enum words_target target, struct reading reading)
{
	size_t missing = 0;

	if (target != WORDS_HTML) {
		buf_append_text(out, target == WORDS_PLAIN ? "\xe2\x80\xa6" : "~");
		return 1;
	}
	for (; reading.rest.len > 0; missing++)
		(void)next_code(&reading);
	buf_append_text(out, "\xe2\x80\xa6 (");
	buf_append_u64(out, missing);
	buf_append_text(out, " characters more)");
	return 1;
}

static size_t put(struct buf *out, enum words_target target, struct reading reading, size_t max)
{
	bool fits = columns_of(reading, target, max) <= max;
	size_t room = fits || max == 0 ? max : max - 1;
	size_t used = 0;

	while (reading.rest.len > 0) {
		struct reading before = reading;
		struct piece piece;

		next_piece(&reading, target, &piece);
		if (used + piece.columns > room)
			return max == 0 ? 0 : used + put_missing(out, target, before);
		buf_append(out, piece.bytes, piece.len);
		used += piece.columns;
	}
	return used;
}

size_t words_put_text(struct buf *out, enum words_target target, const char *text, size_t max)
{
	return words_put_span(out, target, (struct span){text, strlen(text)}, max);
}

size_t words_put_span(struct buf *out, enum words_target target, struct span text, size_t max)
{
	return put(out, target, (struct reading){text, false, 0}, max);
}

size_t words_put_string(struct buf *out, enum words_target target, struct span inside, size_t max)
{
	return put(out, target, (struct reading){inside, true, 0}, max);
}

size_t words_put_time(struct buf *out, enum words_target target, struct span value, size_t max)
{
	char text[EVENT_TIMESTAMP_SIZE];
	char shown[sizeof("2026-11-21 05:24:47 UTC")];
	struct span inside;

	if (!span_string(value, &inside) || !span_copy(inside, text, sizeof(text)) ||
	    !event_timestamp_valid(text))
		return words_put_value(out, target, value, max);
	snprintf(shown, sizeof(shown), "%.10s %.8s UTC", text, text + 11);
	return words_put_text(out, target, shown, max);
}

size_t words_put_value(struct buf *out, enum words_target target, struct span value, size_t max)
{
	struct span inside;

	if (value.len == 0 || span_null(value))
		return words_put_text(out, target, "-", max);
	if (span_string(value, &inside))
		return words_put_string(out, target, inside, max);
	return words_put_span(out, target, value, max);
}
