/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_REFERENCES_H
#define ARCHIVE_REFERENCES_H

#include "stages/archive/leaf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which bodies the leaves of an archive speak of, and until when each must be there. Taken in any
 * order, sorted once, then asked.
 */
struct reference {
	uint8_t hash[DIGEST_SIZE];
	uint64_t len;
	uint64_t ends;	 /* seconds since 1970, RETENTION_NEVER: always */
	uint64_t number; /* of the leaf */
};

struct references {
	struct reference *items; /* owned */
	size_t count, capacity;
};

void references_add(struct references *references, const struct leaf_body *body, uint64_t ends,
		    uint64_t number);
void references_release(struct references *references);

/* By hash, and among equal ones the one that is kept longest first. */
void references_sort(struct references *references);
/* The first with that hash, or NULL; only once sorted. */
const struct reference *references_find(const struct references *references,
					const uint8_t hash[DIGEST_SIZE]);

#endif
