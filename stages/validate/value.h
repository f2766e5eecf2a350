/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_VALUE_H
#define VALIDATE_VALUE_H

#include "stages/validate/schema.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Readers of single values. Each takes exactly its documented spellings: text may be plain only
 * where no YAML 1.1 reader takes it for something else, numbers are plain decimal digits, true is
 * true and yes is not.
 */

/* Text of any content; NULL after adding the error. The text lives as long as the document. */
const char *value_text(const struct site *site);

struct value_texts {
	const char *const *items; /* NULL where an entry was not acceptable */
	size_t count;
};
/* A list of texts. rule: size_t, the largest count; value: struct value_texts. */
schema_reader value_texts;

/* rule: the text expected; value: unused. */
schema_reader value_literal;

struct value_choice {
	const char *const *names;
	unsigned count;
};
/* value: unsigned, the index of the name. */
schema_reader value_choice;

/* A number that may also be the word max. */
struct value_limit {
	int64_t number;
	bool unlimited;
};
struct value_range {
	int64_t min;
	int64_t max;
	bool size;	   /* Ki, Mi, Gi, Ti are understood */
	bool unlimited;	   /* the word max is understood */
	const char *words; /* "4Mi or more", for the message */
};
/* rule: struct value_range; value: struct value_limit. */
schema_reader value_number;

/* value: bool; true or false only. */
schema_reader value_bool;

struct value_cpu {
	struct value_limit quota_us;
	int64_t period_us;
};
/* "<quota|max> <period>" in microseconds, as cgroup v2 cpu.max; value: struct value_cpu. */
schema_reader value_cpu;

#endif
