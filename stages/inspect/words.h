/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INSPECT_WORDS_H
#define INSPECT_WORDS_H

#include "ipc/buf.h"
#include "stages/seal/span.h"

#include <stddef.h>

/*
 * Text of a stranger's, made harmless for where it is shown. What a terminal would obey, what turns
 * the direction of writing (U+202A to U+202E, U+2066 to U+2069 and the marks), what breaks a line
 * and what cannot be seen comes out as \u{202e}; so a line stays one line and shows all it holds.
 */
enum words_target {
	WORDS_PLAIN, /* a UTF-8 terminal */
	WORDS_ASCII, /* any other: everything beyond ASCII escaped */
	WORDS_HTML,  /* text or a quoted attribute of a page */
};

/*
 * Append at most max columns (East Asian wide characters take two, combining ones none; in a page
 * each character counts one); what is longer ends in an ellipsis and says, in a page, how much is
 * missing. Returns the columns used.
 */
size_t words_put_text(struct buf *out, enum words_target target, const char *text, size_t max);
size_t words_put_span(struct buf *out, enum words_target target, struct span text, size_t max);
/* The inside of a canonical JSON string (span_string): its escapes are undone first. */
size_t words_put_string(struct buf *out, enum words_target target, struct span inside, size_t max);
/* "2026-11-21 05:24:47 UTC" of an RFC 3339 time in UTC, as it is when it is none. */
size_t words_put_time(struct buf *out, enum words_target target, struct span value, size_t max);
/* Any canonical value: a string as its text, an empty span as a dash, others as they are written.
 */
size_t words_put_value(struct buf *out, enum words_target target, struct span value, size_t max);

#endif
