/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_SHAPE_H
#define SEAL_SHAPE_H

#include "ipc/fault.h"
#include "stages/seal/span.h"

#include <stddef.h>

/*
 * What an object of the report format looks like, as a table. Tables are sorted by name, as the
 * members of canonical objects are, so a check is one walk over both.
 */
enum shape_kind {
	SHAPE_OBJECT = 1 << 0,
	SHAPE_ARRAY = 1 << 1,
	SHAPE_STRING = 1 << 2,
	SHAPE_INTEGER = 1 << 3, /* never negative: the format has no use for one */
	SHAPE_BOOL = 1 << 4,
	SHAPE_NULL = 1 << 5,
	SHAPE_HASH = 1 << 6,	 /* "sha256:<64 lower-case hex>" */
	SHAPE_DECIMAL = 1 << 7,	 /* a 64-bit number as a decimal string */
	SHAPE_OPTIONAL = 1 << 8, /* may be missing */
};

struct shape_field {
	const char *name;
	unsigned int kinds;	    /* enum shape_kind, or-ed */
	const struct shape *inside; /* of the object, or of each element of the array; or NULL */
};

/* For tables: a field by itself, and one whose inside has a table too. */
#define SHAPE_FIELD(name, kinds)                                                                   \
	{                                                                                          \
		(name), (kinds), NULL                                                              \
	}
#define SHAPE_NESTED(name, kinds, inside)                                                          \
	{                                                                                          \
		(name), (kinds), &(inside)                                                         \
	}

enum shape_openness {
	SHAPE_CLOSED, /* a member that is not in the table is a fault */
	SHAPE_OPEN,   /* members beside the table are somebody else's */
};

struct shape {
	const struct shape_field *fields;
	size_t field_count;
	enum shape_openness openness;
};

/* Faults carry code and the member's path below path. */
enum fault_code shape_check(const struct shape *shape, struct span object, const char *path,
			    enum fault_code code, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
