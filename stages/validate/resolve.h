/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_RESOLVE_H
#define VALIDATE_RESOLVE_H

#include "stages/validate/document.h"

#include <stdint.h>

/*
 * Looking at paths of the host without opening what is there: openat2(2) with O_PATH and
 * RESOLVE_NO_MAGICLINKS, so that no link of /proc leads anywhere, and readlinkat(2). Reading
 * contents is beyond this stage: Landlock gives it no right to.
 */
enum resolve_type {
	RESOLVE_DIRECTORY,
	RESOLVE_FILE,
	RESOLVE_SYMLINK,
	RESOLVE_OTHER, /* FIFO, socket, device */
};

struct resolve_facts {
	const char *path; /* without links, .., . and // */
	enum resolve_type type;
	uint64_t device;
	uint64_t inode;
};

/*
 * Where path leads in the end. 0, or an errno: ELOOP for a magic link too, ESTALE when the place
 * changed while it was looked at, EILSEQ when path_check refuses its name. facts->path lives in
 * document.
 */
int resolve_path(const char *path, struct document *document, struct resolve_facts *facts)
	__attribute__((warn_unused_result));

/* The type of path itself, links not followed; 0, or an errno. */
int resolve_type(const char *path, enum resolve_type *type) __attribute__((warn_unused_result));

/* Where the link path points, as it says; 0, or an errno. *target lives in document. */
int resolve_link(const char *path, struct document *document, const char **target)
	__attribute__((warn_unused_result));

const char *resolve_type_name(enum resolve_type type);

#endif
