/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/canon_reader.h"

#include "cmd/canon_member.h"
#include "cmd/canon_number.h"
#include "cmd/canon_text.h"
#include "ipc/canon.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_PATH "canon.input"

/* *end is the NUL byte the caller promised, so looking one byte ahead is always allowed. */
struct reader {
	const char *at;
	const char *end;
	unsigned int depth;
	struct buf *out;
	struct canon_members members;
	struct buf text; /* the string read last, decoded */
	const char *why;
};

static bool read_value(struct reader *reader);

static bool refuse(struct reader *reader, const char *why)
{
	reader->why = why;
	return false;
}

static void skip_space(struct reader *reader)
{
	while (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' ||
	       *reader->at == '\r')
		reader->at++;
}

static bool skip(struct reader *reader, char expected)
{
	skip_space(reader);
	if (*reader->at != expected)
		return false;
	reader->at++;
	return true;
}

static bool read_string(struct reader *reader)
{
	buf_clear(&reader->text);
	reader->why = canon_text_decode(&reader->at, reader->end, &reader->text);
	if (reader->why != NULL)
		return false;
	canon_write_string(reader->out, reader->text.data, reader->text.len);
	return true;
}

static bool skip_digits(struct reader *reader)
{
	const char *first = reader->at;

	while (*reader->at >= '0' && *reader->at <= '9')
		reader->at++;
	return reader->at > first;
}

/* RFC 8259, section 6. */
static bool scan_number(struct reader *reader)
{
	if (*reader->at == '-')
		reader->at++;
	if (*reader->at == '0')
		reader->at++;
	else if (!skip_digits(reader))
		return false;
	if (*reader->at == '.') {
		reader->at++;
		if (!skip_digits(reader))
			return false;
	}
	if (*reader->at != 'e' && *reader->at != 'E')
		return true;
	reader->at++;
	if (*reader->at == '+' || *reader->at == '-')
		reader->at++;
	return skip_digits(reader);
}

static bool read_number(struct reader *reader)
{
	const char *first = reader->at;
	double value;

	if (!scan_number(reader))
		return refuse(reader, "this is not a JSON value");
	/* strtod(3) reads hexadecimal too; to JSON "0x1" is a zero with something behind it. */
	value = strtod(first, NULL);
	if (isinf(value))
		return refuse(reader, "the number is beyond what a double can hold");
	canon_number_write(reader->out, value);
	return true;
}

static bool read_word(struct reader *reader, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(reader->at, word, len) != 0)
		return refuse(reader, "this is not a JSON value");
	reader->at += len;
	buf_append(reader->out, word, len);
	return true;
}

static bool read_elements(struct reader *reader)
{
	bool more = !skip(reader, ']');

	buf_append(reader->out, "[", 1);
	while (more) {
		if (!read_value(reader))
			return false;
		more = skip(reader, ',');
		if (more)
			buf_append(reader->out, ",", 1);
		else if (!skip(reader, ']'))
			return refuse(reader, "an array goes on with ',' or ends with ']'");
	}
	buf_append(reader->out, "]", 1);
	return true;
}

static bool read_member(struct reader *reader)
{
	size_t piece = reader->out->len;

	skip_space(reader);
	if (*reader->at != '"')
		return refuse(reader, "a member begins with its name in double quotes");
	if (!read_string(reader))
		return false;
	if (!skip(reader, ':'))
		return refuse(reader, "':' comes behind a member's name");
	canon_members_begin(&reader->members, reader->text.data, reader->text.len, piece);
	buf_append(reader->out, ":", 1);
	if (!read_value(reader))
		return false;
	canon_members_end(&reader->members, reader->out);
	return true;
}

static bool read_members(struct reader *reader)
{
	struct canon_mark mark = canon_members_open(&reader->members);
	bool more = !skip(reader, '}');

	buf_append(reader->out, "{", 1);
	while (more) {
		if (!read_member(reader))
			return false;
		more = skip(reader, ',');
		if (more)
			buf_append(reader->out, ",", 1);
		else if (!skip(reader, '}'))
			return refuse(reader, "an object goes on with ',' or ends with '}'");
	}
	if (!canon_members_close(&reader->members, mark, reader->out))
		return refuse(reader,
			      "two members of the object that ends here have the same name");
	buf_append(reader->out, "}", 1);
	return true;
}

static bool read_container(struct reader *reader)
{
	bool is_object = *reader->at == '{', read;

	if (reader->depth == CANON_READER_DEPTH_MAX)
		return refuse(reader, "values are nested too deep");
	reader->depth++;
	reader->at++;
	read = is_object ? read_members(reader) : read_elements(reader);
	reader->depth--;
	return read;
}

static bool read_value(struct reader *reader)
{
	skip_space(reader);
	if (reader->at == reader->end)
		return refuse(reader, "a value is missing");
	switch (*reader->at) {
	case '{':
	case '[':
		return read_container(reader);
	case '"':
		return read_string(reader);
	case 't':
		return read_word(reader, "true");
	case 'f':
		return read_word(reader, "false");
	case 'n':
		return read_word(reader, "null");
	default:
		return read_number(reader);
	}
}

static bool read_document(struct reader *reader)
{
	if (!read_value(reader))
		return false;
	skip_space(reader);
	if (reader->at != reader->end)
		return refuse(reader, "something follows the value");
	if (reader->out->overflowed)
		return refuse(reader, "the canonical form is too large");
	return true;
}

enum fault_code canon_reader_write(const char *text, size_t len, struct buf *out,
				   struct fault *fault)
{
	struct reader reader = {.at = text, .end = text + len, .out = out};
	bool read;

	canon_members_init(&reader.members, len);
	buf_init(&reader.text, len + 1);
	/* Never a null pointer, an empty string included. */
	if (!buf_reserve(&reader.text, 1))
		buf_no_memory();
	read = read_document(&reader);
	canon_members_release(&reader.members);
	buf_release(&reader.text);
	if (read)
		return FAULT_NONE;
	return fault_set(fault, FAULT_REPORT_CANONICAL, INPUT_PATH, "byte %zu: %s",
			 (size_t)(reader.at - text), reader.why);
}
