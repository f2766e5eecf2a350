/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_OUTPUT_H
#define VALIDATE_OUTPUT_H

#include "stages/validate/schema.h"
#include "stages/validate/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy;

/*
 * outputs[]: what is taken out of the work directory after the run (safe-run-policy(5)). SR-POL-001
 * and 002 for a field, 003 for what does not go together.
 */
#define OUTPUT_COUNT_MAX     ((size_t)32)
#define OUTPUT_FILES_MAX     1000000
#define OUTPUT_FILES_DEFAULT 10000

struct output {
	const char *path; /* clean; NULL when refused. Relative to the work directory as read,
			     absolute once output_check has seen it */
	bool relative;
	struct value_limit max_bytes; /* 0: not given; resources.disk.max once checked */
	struct value_limit max_files; /* the same; OUTPUT_FILES_DEFAULT */
};

/* Reads into struct schema_items of struct output. */
extern const struct schema_list output_list;

/* After all fields: places, limits and mounts against each other. site is the whole policy. */
void output_check(const struct site *site, struct policy *policy);

#endif
