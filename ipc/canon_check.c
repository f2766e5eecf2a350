/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/canon.h"
#include "ipc/utf8.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define EVERY_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* One object or array that is open. The last name is there to compare the next one with. */
struct level {
	const char *name; /* NULL before the first member */
	size_t name_len;
	bool name_escaped;
	bool is_object;
};

struct scanner {
	const char *at;
	const char *end;
	size_t depth;
	struct canon_index *index; /* NULL: nothing is noted; a constant where this is inlined */
	struct level levels[CANON_DEPTH_MAX];
};

/* The member whose name or value is being scanned, or NULL: too deep, too many, not asked for. */
static inline struct canon_noted *noted(const struct scanner *scanner)
{
	struct canon_index *index = scanner->index;
	size_t level = scanner->depth - 1;

	if (index == NULL || level >= CANON_NOTED_LEVELS || index->count[level] >= CANON_NOTED_MAX)
		return NULL;
	return &index->members[level][index->count[level]];
}

/* at is behind the member's colon. */
static inline void note_name(const struct scanner *scanner, const char *name, size_t len)
{
	struct canon_noted *member = noted(scanner);

	if (member != NULL)
		*member = (struct canon_noted){.key = name, .key_len = len, .value = scanner->at};
}

/* at is behind the member's value. */
static inline void note_value(const struct scanner *scanner)
{
	struct canon_noted *member = noted(scanner);

	if (member != NULL)
		member->value_len = (size_t)(scanner->at - member->value);
	if (scanner->index != NULL && scanner->depth <= CANON_NOTED_LEVELS)
		scanner->index->count[scanner->depth - 1]++;
}

/*
 * Marks, in the top bit of each byte, the bytes a string cannot hold as they are: below 0x20, '"',
 * '\', 0x7F and from 0x80 up. Borrows can mark bytes above a true one, so only the lowest is exact.
 */
static inline uint64_t special_bytes(uint64_t word)
{
	uint64_t quote = word ^ EVERY_BYTE('"');
	uint64_t backslash = word ^ EVERY_BYTE('\\');
	uint64_t del = word ^ EVERY_BYTE(0x7F);
	uint64_t found = (word - EVERY_BYTE(0x20)) & ~word;

	found |= (quote - EVERY_BYTE(1)) & ~quote;
	found |= (backslash - EVERY_BYTE(1)) & ~backslash;
	found |= (del - EVERY_BYTE(1)) & ~del;
	return (found | word) & EVERY_BYTE(0x80);
}

static inline bool is_plain(char byte)
{
	return byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7F;
}

static inline const char *skip_plain(const char *at, const char *end)
{
	while ((size_t)(end - at) >= sizeof(uint64_t)) {
		uint64_t word, special;

		memcpy(&word, at, sizeof(word));
		special = special_bytes(le64toh(word));
		if (special != 0)
			return at + __builtin_ctzll(special) / 8;
		at += sizeof(word);
	}
	while (at < end && is_plain(*at))
		at++;
	return at;
}

/* The escapes RFC 8785 writes, and no others; 0, or the length of the one at text. */
static size_t escape_len(const char *text, size_t available)
{
	if (available < 2)
		return 0;
	if (memchr("\"\\bfnrt", text[1], 7) != NULL)
		return 2;
	if (available < 6 || memcmp(text, "\\u00", 4) != 0)
		return 0;
	/* \u0001 to \u001f less the five with a letter of their own. */
	if (text[4] == '0' && memchr("1234567bef", text[5], 10) != NULL && text[5] != '\0')
		return 6;
	if (text[4] == '1' && memchr("0123456789abcdef", text[5], 16) != NULL)
		return 6;
	return 0;
}

/* A string whose opening quote is at scanner->at; leaves at behind the closing one. */
static inline bool scan_string(struct scanner *scanner, bool *escaped, bool ascii_only)
{
	const char *at = scanner->at + 1;

	*escaped = false;
	for (;;) {
		size_t len;

		at = skip_plain(at, scanner->end);
		if (at < scanner->end && *at == '"') {
			scanner->at = at + 1;
			return true;
		}
		scanner->at = at;
		if (at == scanner->end || *at == 0x7F)
			return false;
		if (*at == '\\') {
			len = escape_len(at, (size_t)(scanner->end - at));
			*escaped = true;
		} else if ((unsigned char)*at < 0x20 || ascii_only) {
			return false;
		} else {
			len = utf8_sequence(at, (size_t)(scanner->end - at));
		}
		if (len == 0)
			return false;
		at += len;
	}
}

/* Next byte of a valid escaped ASCII name, -1 at its end. */
static int decode(const char **at, const char *end)
{
	static const char hex[] = "0123456789abcdef";
	char byte;

	if (*at == end)
		return -1;
	byte = *(*at)++;
	if (byte != '\\')
		return byte;
	byte = *(*at)++;
	switch (byte) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'u':
		*at += 4;
		return ((*at)[-2] - '0') * 16 + (int)(strchr(hex, (*at)[-1]) - hex);
	default:
		return byte;
	}
}

static int compare_escaped(const struct level *level, const char *name, size_t len)
{
	const char *left = level->name, *right = name;

	for (;;) {
		int a = decode(&left, level->name + level->name_len);
		int b = decode(&right, name + len);

		if (a != b || a == -1)
			return a - b;
	}
}

/* Whether name comes after the level's last one, byte by byte and never the same. */
static inline bool in_order(const struct level *level, const char *name, size_t len, bool escaped)
{
	size_t shorter = len < level->name_len ? len : level->name_len;
	int order;

	if (level->name == NULL)
		return true;
	if (escaped || level->name_escaped)
		return compare_escaped(level, name, len) < 0;
	if (shorter > 0 && level->name[0] != name[0])
		return level->name[0] < name[0];
	order = memcmp(level->name, name, shorter);
	return order != 0 ? order < 0 : level->name_len < len;
}

static inline bool scan_name(struct scanner *scanner)
{
	struct level *level = &scanner->levels[scanner->depth - 1];
	const char *name = scanner->at + 1;
	size_t len;
	bool escaped;

	if (scanner->at == scanner->end || *scanner->at != '"' ||
	    !scan_string(scanner, &escaped, true))
		return false;
	len = (size_t)(scanner->at - 1 - name);
	if (!in_order(level, name, len, escaped)) {
		scanner->at = name;
		return false;
	}
	level->name = name;
	level->name_len = len;
	level->name_escaped = escaped;
	if (scanner->at == scanner->end || *scanner->at != ':')
		return false;
	scanner->at++;
	note_name(scanner, name, len);
	return true;
}

static inline bool scan_number(struct scanner *scanner)
{
	const char *at = scanner->at, *first;
	bool negative = *at == '-';
	uint64_t value = 0;

	if (negative)
		at++;
	first = at;
	/* 17 digits cannot overflow, and are too many already. */
	while (at < scanner->end && *at >= '0' && *at <= '9' && at - first < 17)
		value = value * 10 + (uint64_t)(*at++ - '0');
	if (at == first || value > CANON_INTEGER_MAX)
		return false;
	if (*first == '0' && (at - first > 1 || negative))
		return false;
	scanner->at = at;
	return true;
}

static inline bool scan_word(struct scanner *scanner, const char *word, size_t len)
{
	if ((size_t)(scanner->end - scanner->at) < len || memcmp(scanner->at, word, len) != 0)
		return false;
	scanner->at += len;
	return true;
}

static inline bool scan_scalar(struct scanner *scanner)
{
	bool escaped;

	switch (*scanner->at) {
	case '"':
		return scan_string(scanner, &escaped, false);
	case 't':
		return scan_word(scanner, "true", 4);
	case 'f':
		return scan_word(scanner, "false", 5);
	case 'n':
		return scan_word(scanner, "null", 4);
	default:
		return scan_number(scanner);
	}
}

static inline bool open_level(struct scanner *scanner)
{
	if (scanner->depth == CANON_DEPTH_MAX)
		return false;
	scanner->levels[scanner->depth++] = (struct level){.is_object = *scanner->at == '{'};
	if (scanner->index != NULL && scanner->depth > scanner->index->depth)
		scanner->index->depth = scanner->depth;
	scanner->at++;
	return true;
}

/*
 * Behind a whole value: close what ends here, until a comma says another value comes. *done when
 * the outermost value is whole.
 */
static inline bool scan_after(struct scanner *scanner, bool *done)
{
	while (scanner->depth > 0) {
		bool is_object = scanner->levels[scanner->depth - 1].is_object;

		if (is_object)
			note_value(scanner);
		if (scanner->at == scanner->end)
			return false;
		if (*scanner->at == ',') {
			scanner->at++;
			return !is_object || scan_name(scanner);
		}
		if (*scanner->at != (is_object ? '}' : ']'))
			return false;
		scanner->at++;
		scanner->depth--;
	}
	*done = true;
	return true;
}

/* One value, or the opening of one up to its first inner value. */
static inline bool scan_value(struct scanner *scanner, bool *whole)
{
	const char *at = scanner->at;

	*whole = true;
	if (at == scanner->end)
		return false;
	if (*at != '{' && *at != '[')
		return scan_scalar(scanner);
	if (!open_level(scanner))
		return false;
	if (scanner->at < scanner->end && *scanner->at == (*at == '{' ? '}' : ']')) {
		scanner->at++;
		scanner->depth--;
		return true;
	}
	*whole = false;
	return *at == '[' || scan_name(scanner);
}

static inline __attribute__((always_inline)) bool scan(const char *data, size_t len, size_t *offset,
						       struct canon_index *index)
{
	/* The levels are filled as they open; clearing a kilobyte per event would cost. */
	struct scanner scanner __attribute__((uninitialized));
	bool ok = true, done = false;

	scanner.at = data;
	scanner.end = data + len;
	scanner.depth = 0;
	scanner.index = index;
	while (ok && !done) {
		bool whole;

		ok = scan_value(&scanner, &whole);
		if (ok && whole)
			ok = scan_after(&scanner, &done);
	}
	if (offset != NULL)
		*offset = (size_t)(scanner.at - data);
	return ok && scanner.at == scanner.end;
}

bool canon_check(const char *data, size_t len, size_t *offset)
{
	return scan(data, len, offset, NULL);
}

bool canon_check_index(const char *data, size_t len, size_t *offset, struct canon_index *index)
{
	index->depth = 0;
	for (size_t i = 0; i < CANON_NOTED_LEVELS; i++)
		index->count[i] = 0;
	return scan(data, len, offset, index);
}
