/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPARE_DIFFERENCE_H
#define COMPARE_DIFFERENCE_H

#include "ipc/fault.h"
#include "stages/seal/span.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Where two texts begin to differ. Both are a line of canonical JSON, or lines of it; of anything
 * else only the byte is known.
 */
struct difference {
	bool same;
	size_t offset;		    /* of the first byte that differs */
	char path[FAULT_PATH_SIZE]; /* of the first field that differs; "" when it has none */
	struct span recorded;	    /* what stands there in each; empty: nothing does */
	struct span replayed;
};

/* The spans point into the two texts. */
void difference_find(struct span recorded, struct span replayed, struct difference *difference);

/*
 * Two values at path, field by field; false when they are the same. Both have passed canon_check.
 */
bool difference_of_values(struct span recorded, struct span replayed, const char *path,
			  struct difference *difference);

#endif
