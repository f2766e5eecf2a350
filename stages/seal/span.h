/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_SPAN_H
#define SEAL_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Reading canonical JSON where it lies, without building anything. A span is a borrowed piece of
 * text that canon_check has accepted, so a value has one spelling and comparing bytes compares
 * values. On any other text the answers mean nothing, but nothing outside the span is ever read.
 */
struct span {
	const char *at;
	size_t len;
};

enum span_kind {
	SPAN_OBJECT,
	SPAN_ARRAY,
	SPAN_STRING,
	SPAN_INTEGER,
	SPAN_BOOL,
	SPAN_NULL,
};

/* Goes over the members of an object or the elements of an array, in order. */
struct span_walk {
	const char *at;
	const char *end;
	size_t depth; /* deepest nesting met inside the values so far: 0 for scalars */
};

enum span_kind span_kind(struct span value);

/* False when value is not of that kind. */
bool span_walk_object(struct span value, struct span_walk *walk);
bool span_walk_array(struct span value, struct span_walk *walk);
/* key comes without its quotes. False at the end. */
bool span_next_member(struct span_walk *walk, struct span *key, struct span *value);
bool span_next_element(struct span_walk *walk, struct span *value);

/* The member of that name; false when object is not an object or has none. */
bool span_member(struct span object, const char *name, struct span *value);

/* As span_member; an empty span, which is of kind SPAN_NULL but not null, when there is none. */
struct span span_get(struct span object, const char *name);

/*
 * How name, plain letters and digits, sorts against a member's key: negative, 0, positive. An
 * escape stands for a byte that sorts before every letter, though its backslash does not.
 */
int span_order(const char *name, struct span key);

/* Inline: against a literal this is a comparison of a few words. */
static inline bool span_equal(struct span span, const char *text)
{
	return strlen(text) == span.len && memcmp(span.at, text, span.len) == 0;
}

bool span_same(struct span a, struct span b);
bool span_null(struct span value);
/* A string with exactly this text. */
bool span_says(struct span value, const char *text);
/* The text between the quotes, escapes as they are written; false for other kinds. */
bool span_string(struct span value, struct span *text);
bool span_integer(struct span value, int64_t *out);
/* Digits without a leading zero, at most UINT64_MAX: the inside of a decimal string. */
bool span_decimal(struct span text, uint64_t *out);
/* Copies text with a NUL behind it; false when it does not fit into size bytes. */
bool span_copy(struct span text, char *out, size_t size);

#endif
