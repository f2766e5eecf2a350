/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_LOOKUP_H
#define ARCHIVE_LOOKUP_H

#include "stages/archive/archive.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Finding leaves: a name through the index, each answer held against the leaf itself. That there is
 * none is for the leaves to say, which are then read, as they are for a list and where there can be
 * no index. An index that answers wrongly is made anew.
 */
enum lookup_by { LOOKUP_ALL, LOOKUP_BUNDLE, LOOKUP_RUN, LOOKUP_DUE };

struct lookup {
	enum lookup_by by;
	const char *id; /* of a bundle or run; validated by the caller */
	uint64_t first; /* LOOKUP_ALL: the first leaf's number */
	uint64_t now;	/* LOOKUP_DUE: those whose time has come and that were not pruned */
	uint64_t limit; /* how many at most; 0: all */
};

struct lookup_rows {
	struct index_row *items; /* owned; oldest first */
	size_t count, capacity;
};

enum fault_code lookup_find(struct archive *archive, const struct lookup *lookup,
			    struct lookup_rows *rows, struct fault *fault)
	__attribute__((warn_unused_result));
void lookup_release(struct lookup_rows *rows);

#endif
