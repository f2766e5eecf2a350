/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_TEXT_H
#define VALIDATE_TEXT_H

#include "ipc/fault.h"
#include "stages/validate/document.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The bytes before anybody parses them: not empty, UTF-8 without byte order mark, no control
 * bytes, and (YAML only) none of the characters that are line ends to YAML 1.1 and to nobody else.
 */
enum fault_code text_check(const char *data, size_t len, struct fault *fault)
	__attribute__((warn_unused_result));

/* A text whose first byte other than white space is '{' is JSON. */
bool text_is_json(const char *data, size_t len);

/* Bytes of the UTF-8 character text starts with, and its code point; 0 when it is none. */
size_t text_decode(const char *text, size_t left, uint32_t *code_point);
/* Writes a code point (no surrogate, at most U+10FFFF); returns the bytes written. */
size_t text_encode(uint32_t code_point, char out[4]);

/* Move mark over one character. */
void text_advance(struct mark *mark, uint32_t code_point);

#endif
