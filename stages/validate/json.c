/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/json.h"

#include "ipc/buf.h"
#include "stages/validate/builder.h"
#include "stages/validate/text.h"

#include <string.h>

struct reader {
	struct builder builder;
	const char *at;
	const char *end;
	struct mark mark;
	struct buf string; /* the string being read; never longer than the text */
};

/* The next character, 0 at the end (text_check has refused NUL). */
static char peek(const struct reader *reader)
{
	return reader->at < reader->end ? reader->at[0] : '\0';
}

static void take(struct reader *reader)
{
	uint32_t c = 0;

	reader->at += text_decode(reader->at, (size_t)(reader->end - reader->at), &c);
	text_advance(&reader->mark, c);
}

static void skip_blank(struct reader *reader)
{
	while (peek(reader) == ' ' || peek(reader) == '\t' || peek(reader) == '\n' ||
	       peek(reader) == '\r')
		take(reader);
}

static enum fault_code refuse(const struct reader *reader, const char *expected)
{
	if (reader->at == reader->end)
		return builder_refuse(&reader->builder, reader->mark,
				      "not JSON: the text ends where %s is expected", expected);
	return builder_refuse(&reader->builder, reader->mark,
			      "not JSON (a policy that starts with { is read as JSON): "
			      "%s is expected here",
			      expected);
}

static bool take_hex4(struct reader *reader, uint32_t *out)
{
	static const char digits[] = "0123456789abcdef";

	*out = 0;
	for (int i = 0; i < 4; i++) {
		char c = peek(reader);
		const char *digit;

		if (c >= 'A' && c <= 'F')
			c = (char)(c - 'A' + 'a');
		digit = c == '\0' ? NULL : strchr(digits, c);
		if (digit == NULL)
			return false;
		*out = *out << 4 | (uint32_t)(digit - digits);
		take(reader);
	}
	return true;
}

static enum fault_code take_unicode(struct reader *reader)
{
	uint32_t c = 0;
	uint32_t low = 0;
	char bytes[4];

	if (!take_hex4(reader, &c))
		return refuse(reader, "a hexadecimal digit");
	if (c >= 0xd800 && c <= 0xdbff) {
		if (reader->end - reader->at < 2 || memcmp(reader->at, "\\u", 2) != 0)
			return refuse(reader, "the second half of a surrogate pair");
		take(reader);
		take(reader);
		if (!take_hex4(reader, &low) || low < 0xdc00 || low > 0xdfff)
			return refuse(reader, "the second half of a surrogate pair");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c >= 0xdc00 && c <= 0xdfff) {
		return refuse(reader, "a character, not half of a surrogate pair,");
	}
	buf_append(&reader->string, bytes, text_encode(c, bytes));
	return FAULT_NONE;
}

static enum fault_code take_escape(struct reader *reader)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	const char *letter;

	take(reader);
	if (peek(reader) == 'u') {
		take(reader);
		return take_unicode(reader);
	}
	letter = peek(reader) == '\0' ? NULL : strchr(letters, peek(reader));
	if (letter == NULL)
		return refuse(reader, "one of \" \\ / b f n r t u behind a backslash");
	buf_append(&reader->string, &values[letter - letters], 1);
	take(reader);
	return FAULT_NONE;
}

static enum fault_code read_string(struct reader *reader)
{
	const struct mark mark = reader->mark;

	buf_clear(&reader->string);
	take(reader);
	while (peek(reader) != '"') {
		const char *start = reader->at;
		enum fault_code code = FAULT_NONE;

		if (reader->at == reader->end || (unsigned char)peek(reader) < 0x20)
			return refuse(reader, "the string's closing quote");
		if (peek(reader) == '\\') {
			code = take_escape(reader);
		} else {
			take(reader);
			buf_append(&reader->string, start, (size_t)(reader->at - start));
		}
		if (code != FAULT_NONE)
			return code;
	}
	take(reader);
	return builder_scalar(&reader->builder, reader->string.len > 0 ? reader->string.data : "",
			      reader->string.len, true, mark);
}

/* Numbers by their own grammar only: 01, +1, .5 and 1. are no JSON. */
static size_t number_len(const char *text, size_t left)
{
	size_t at = 0;
	size_t start;

#define DIGITS()                                                                                   \
	do {                                                                                       \
		start = at;                                                                        \
		while (at < left && text[at] >= '0' && text[at] <= '9')                            \
			at++;                                                                      \
		if (at == start)                                                                   \
			return 0;                                                                  \
	} while (0)
	if (at < left && text[at] == '-')
		at++;
	DIGITS();
	if (text[start] == '0' && at - start > 1)
		return 0;
	if (at < left && text[at] == '.') {
		at++;
		DIGITS();
	}
	if (at < left && (text[at] == 'e' || text[at] == 'E')) {
		at++;
		if (at < left && (text[at] == '+' || text[at] == '-'))
			at++;
		DIGITS();
	}
#undef DIGITS
	return at;
}

static enum fault_code read_plain(struct reader *reader)
{
	static const char *const literals[] = {"true", "false", "null"};
	const size_t left = (size_t)(reader->end - reader->at);
	const struct mark mark = reader->mark;
	const char *text = reader->at;
	size_t len = number_len(text, left);

	for (size_t i = 0; i < 3 && len == 0; i++)
		if (left >= strlen(literals[i]) &&
		    memcmp(text, literals[i], strlen(literals[i])) == 0)
			len = strlen(literals[i]);
	if (len == 0)
		return refuse(reader, "a value");
	while (reader->at < text + len)
		take(reader);
	return builder_scalar(&reader->builder, text, len, false, mark);
}

static enum fault_code read_value(struct reader *reader);

static enum fault_code read_member(struct reader *reader)
{
	enum fault_code code;

	if (peek(reader) != '"')
		return refuse(reader, "a key in double quotes");
	code = read_string(reader);
	if (code != FAULT_NONE)
		return code;
	skip_blank(reader);
	if (peek(reader) != ':')
		return refuse(reader, "a colon");
	take(reader);
	skip_blank(reader);
	return read_value(reader);
}

/* Recursion ends at DOCUMENT_DEPTH_MAX: builder_open refuses to go deeper. */
static enum fault_code read_collection(struct reader *reader, enum node_kind kind, char closing)
{
	enum fault_code code = builder_open(&reader->builder, kind, reader->mark);
	bool first = true;

	if (code != FAULT_NONE)
		return code;
	take(reader);
	skip_blank(reader);
	while (peek(reader) != closing) {
		if (!first && peek(reader) != ',')
			return refuse(reader, kind == NODE_LIST ? "a comma or ]" : "a comma or }");
		if (!first) {
			take(reader);
			skip_blank(reader);
		}
		code = kind == NODE_LIST ? read_value(reader) : read_member(reader);
		if (code != FAULT_NONE)
			return code;
		skip_blank(reader);
		first = false;
	}
	take(reader);
	builder_close(&reader->builder);
	return FAULT_NONE;
}

static enum fault_code read_value(struct reader *reader)
{
	switch (peek(reader)) {
	case '{':
		return read_collection(reader, NODE_MAPPING, '}');
	case '[':
		return read_collection(reader, NODE_LIST, ']');
	case '"':
		return read_string(reader);
	default:
		return read_plain(reader);
	}
}

enum fault_code json_read(const char *data, size_t len, struct document *document,
			  struct fault *fault)
{
	struct reader reader = {.at = data, .end = data + len, .mark = {1, 1}};
	enum fault_code code;

	builder_init(&reader.builder, document, fault);
	buf_init(&reader.string, len);
	skip_blank(&reader);
	code = read_value(&reader);
	skip_blank(&reader);
	if (code == FAULT_NONE && reader.at != reader.end)
		code = refuse(&reader, "the end of the text");
	buf_release(&reader.string);
	return code;
}
