/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/span.h"

#include <endian.h>
#include <string.h>

#define EVERY_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Top bit set in each byte that is zero; bytes above the lowest such one may be marked wrongly. */
static inline uint64_t zero_bytes(uint64_t word)
{
	return (word - EVERY_BYTE(1)) & ~word & EVERY_BYTE(0x80);
}

/* The first quote or backslash, eight bytes at a time: strings are most of an event. */
static inline const char *find_special(const char *at, const char *end)
{
	while ((size_t)(end - at) >= sizeof(uint64_t)) {
		uint64_t word, found;

		memcpy(&word, at, sizeof(word));
		word = le64toh(word);
		found = zero_bytes(word ^ EVERY_BYTE('"')) | zero_bytes(word ^ EVERY_BYTE('\\'));
		if (found != 0)
			return at + __builtin_ctzll(found) / 8;
		at += sizeof(word);
	}
	while (at < end && *at != '"' && *at != '\\')
		at++;
	return at;
}

/* Each skip starts on the value's first byte and returns the byte behind it, at most end. */
static inline const char *skip_string(const char *at, const char *end)
{
	for (at = find_special(at + 1, end); at < end && *at == '\\'; at = find_special(at, end))
		at += end - at > 1 ? 2 : 1;
	return at < end ? at + 1 : end;
}

static const char *skip_nested(const char *at, const char *end, size_t *depth_max)
{
	size_t depth = 0;

	while (at < end) {
		if (*at == '"') {
			at = skip_string(at, end);
			continue;
		}
		if (*at == '{' || *at == '[') {
			depth++;
			if (depth > *depth_max)
				*depth_max = depth;
		} else if ((*at == '}' || *at == ']') && --depth == 0) {
			return at + 1;
		}
		at++;
	}
	return end;
}

static const char *skip_value(const char *at, const char *end, size_t *depth_max)
{
	if (at == end)
		return end;
	if (*at == '"')
		return skip_string(at, end);
	if (*at == '{' || *at == '[')
		return skip_nested(at, end, depth_max);
	while (at < end && *at != ',' && *at != '}' && *at != ']')
		at++;
	return at;
}

static struct span between(const char *at, const char *end)
{
	return (struct span){.at = at, .len = (size_t)(end - at)};
}

enum span_kind span_kind(struct span value)
{
	switch (value.len == 0 ? '\0' : value.at[0]) {
	case '{':
		return SPAN_OBJECT;
	case '[':
		return SPAN_ARRAY;
	case '"':
		return SPAN_STRING;
	case 't':
	case 'f':
		return SPAN_BOOL;
	case 'n':
	case '\0':
		return SPAN_NULL;
	default:
		return SPAN_INTEGER;
	}
}

static bool walk_open(struct span value, enum span_kind kind, struct span_walk *walk)
{
	*walk = (struct span_walk){0};
	if (span_kind(value) != kind || value.len < 2)
		return false;
	walk->at = value.at + 1;
	walk->end = value.at + value.len - 1;
	return true;
}

bool span_walk_object(struct span value, struct span_walk *walk)
{
	return walk_open(value, SPAN_OBJECT, walk);
}

bool span_walk_array(struct span value, struct span_walk *walk)
{
	return walk_open(value, SPAN_ARRAY, walk);
}

bool span_next_element(struct span_walk *walk, struct span *value)
{
	const char *start = walk->at;

	if (start == walk->end)
		return false;
	walk->at = skip_value(start, walk->end, &walk->depth);
	*value = between(start, walk->at);
	if (walk->at < walk->end)
		walk->at++; /* the comma */
	return true;
}

bool span_next_member(struct span_walk *walk, struct span *key, struct span *value)
{
	const char *start = walk->at;

	if (start == walk->end || *start != '"')
		return false;
	walk->at = skip_string(start, walk->end);
	if (walk->at - start < 2 || walk->at == walk->end)
		return false;
	*key = between(start + 1, walk->at - 1);
	walk->at++; /* the colon */
	if (!span_next_element(walk, value))
		*value = between(walk->at, walk->at);
	return true;
}

bool span_member(struct span object, const char *name, struct span *value)
{
	struct span_walk walk;
	struct span key;

	if (!span_walk_object(object, &walk))
		return false;
	while (span_next_member(&walk, &key, value))
		if (span_equal(key, name))
			return true;
	return false;
}

struct span span_get(struct span object, const char *name)
{
	struct span value;

	return span_member(object, name, &value) ? value : (struct span){.at = "", .len = 0};
}

int span_order(const char *name, struct span key)
{
	for (size_t i = 0; i < key.len; i++) {
		bool escaped = key.at[i] == '\\';
		char byte = !escaped || key.at[i + 1] == '\\' ? key.at[i] : '"';

		if (name[i] != byte || escaped)
			return name[i] - byte;
	}
	return name[key.len] == '\0' ? 0 : 1;
}

bool span_same(struct span a, struct span b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

bool span_null(struct span value)
{
	return span_equal(value, "null");
}

bool span_says(struct span value, const char *text)
{
	struct span inside;

	return span_string(value, &inside) && span_equal(inside, text);
}

bool span_string(struct span value, struct span *text)
{
	if (span_kind(value) != SPAN_STRING || value.len < 2)
		return false;
	*text = (struct span){.at = value.at + 1, .len = value.len - 2};
	return true;
}

bool span_decimal(struct span text, uint64_t *out)
{
	uint64_t value = 0;

	if (text.len == 0 || text.len > 20 || (text.at[0] == '0' && text.len > 1))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned)(unsigned char)text.at[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*out = value;
	return true;
}

bool span_integer(struct span value, int64_t *out)
{
	bool negative = value.len > 0 && value.at[0] == '-';
	struct span digits = {value.at + (negative ? 1 : 0), value.len - (negative ? 1 : 0)};
	uint64_t magnitude;

	if (!span_decimal(digits, &magnitude) || magnitude > INT64_MAX)
		return false;
	*out = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	return true;
}

bool span_copy(struct span text, char *out, size_t size)
{
	if (text.len >= size)
		return false;
	memcpy(out, text.at, text.len);
	out[text.len] = '\0';
	return true;
}
