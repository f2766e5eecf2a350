/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_SCALAR_H
#define VALIDATE_SCALAR_H

#include "stages/validate/document.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What a plain scalar would be to a YAML 1.1 reader (yaml.org/type), taken widely: whatever any
 * common reader takes for something other than text is not SCALAR_STRING. safe-run converts none
 * of it; a field that wants text asks for quotes, a field that wants a number takes one spelling.
 */
enum scalar_class {
	SCALAR_STRING,
	SCALAR_NULL,
	SCALAR_BOOLEAN,
	SCALAR_NUMBER,
	SCALAR_DATE,
	SCALAR_SPECIAL, /* << and = */
};

enum scalar_class scalar_classify(const struct node *node);
/* "a boolean", "a number", ... for messages. */
const char *scalar_class_words(enum scalar_class class);
/* Unquoted ~, null, Null, NULL or nothing at all. */
bool scalar_null(const struct node *node);

enum scalar_number {
	SCALAR_NUMBER_OK,
	SCALAR_NUMBER_SPELLING, /* not 0 or [1-9][0-9]* */
	SCALAR_NUMBER_RANGE,	/* outside min..max */
};

/* Plain decimal digits, no sign, no leading zero. */
enum scalar_number scalar_integer(const char *text, int64_t min, int64_t max, int64_t *out);
/* As scalar_integer, and with Ki, Mi, Gi or Ti directly behind the digits. */
enum scalar_number scalar_size(const char *text, int64_t min, int64_t max, int64_t *out);

#endif
