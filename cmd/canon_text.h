/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CANON_TEXT_H
#define CMD_CANON_TEXT_H

#include <stddef.h>

struct buf;

/*
 * Decode the JSON string whose opening quote is at *at into UTF-8, behind what out has, and leave
 * *at behind its closing quote. NULL, or why it is no string; *at is then where it goes wrong.
 */
const char *canon_text_decode(const char **at, const char *end, struct buf *out);

/* Order of two UTF-8 strings by UTF-16 code units (RFC 8785, section 3.2.3), as memcmp. */
int canon_text_compare(const char *left, size_t left_len, const char *right, size_t right_len);

#endif
