/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_CANON_H
#define IPC_CANON_H

#include "ipc/buf.h"
#include "ipc/fault.h"

#include <stddef.h>

struct json_object;

/*
 * Canonical JSON: RFC 8785 restricted to the subset where every tool agrees (safe-run-ipc(7)).
 * ASCII keys sorted by byte, integers within +-(2^53-1), never -0, no fractions or exponents,
 * strings valid UTF-8 without U+0000 and U+007F, no white space, at most CANON_DEPTH_MAX deep.
 */
#define CANON_DEPTH_MAX	  32
#define CANON_INTEGER_MAX 9007199254740991LL /* 2^53 - 1 */

/*
 * Append the canonical form of value to out. Fails, with the code given and a path that names the
 * offending member, on anything outside the subset (a double, a key that is not ASCII, ...).
 */
enum fault_code canon_write(struct json_object *value, struct buf *out, enum fault_code code,
			    struct fault *fault) __attribute__((warn_unused_result));

/* Append text as a canonical JSON string, quotes included. text must be valid UTF-8. */
void canon_write_string(struct buf *out, const char *text, size_t len);

/*
 * Whether data[0..len) is exactly one canonical value: the same answer as parsing it, writing it
 * again and comparing, in one pass without allocating. *offset (may be NULL) is where it stops
 * being one. This is the hot path of seal and verify; the unit tests and the fuzzer hold it equal
 * to parse-and-rewrite.
 */
bool canon_check(const char *data, size_t len, size_t *offset) __attribute__((warn_unused_result));

/*
 * Where the members of an object and of the objects in it lie, found by the same pass: key without
 * its quotes, value whole, both borrowed from the text. Deeper ones are not noted.
 */
#define CANON_NOTED_LEVELS 2
#define CANON_NOTED_MAX	   9 /* for each level the first members; count goes on */

struct canon_noted {
	const char *key, *value;
	size_t key_len, value_len;
};

struct canon_index {
	struct canon_noted members[CANON_NOTED_LEVELS][CANON_NOTED_MAX];
	size_t count[CANON_NOTED_LEVELS]; /* of the inner level: all inner objects together */
	size_t depth;			  /* of nesting; 0 for a lone scalar */
};

/* As canon_check; *index is filled when the answer is true. */
bool canon_check_index(const char *data, size_t len, size_t *offset, struct canon_index *index)
	__attribute__((warn_unused_result));

/*
 * Parse one canonical value by the reading rule: json-c parses it, canon_write writes it again, the
 * bytes must be equal. The new value belongs to the caller (json_object_put).
 */
enum fault_code canon_parse(const char *data, size_t len, enum fault_code code,
			    struct json_object **value, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
