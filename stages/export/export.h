/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPORT_EXPORT_H
#define EXPORT_EXPORT_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stdint.h>

struct json_object;

/*
 * Collected outputs into a directory of the caller's: all of them into an empty one, or one tree
 * over an existing one. Every file is hashed while it is copied and must be what its manifest says.
 */
#define EXPORT_SENSITIVE_MAX 64 /* listed; all are counted */

struct export
{
	int manifest_fd, from_fd, to_fd;
	bool apply;
	bool allow_sensitive;

	/* What was done. */
	uint64_t files, directories, bytes;
	uint64_t unchanged; /* apply: there already, with the same content */
	uint64_t skipped;   /* links and what was refused: never made outside */
	uint64_t sensitive_count;
	struct json_object *sensitive; /* [{"path","reason"}] */
};

/* Into an empty directory: nothing that exists is touched. */
enum fault_code export_copy(struct export *export, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Over a tree: each file that differs is written beside its place and renamed into it. Nothing is
 * written when a sensitive file would change and that is not allowed; nothing is ever deleted.
 */
enum fault_code export_apply(struct export *export, struct fault *fault)
	__attribute__((warn_unused_result));

/* Count and list path if it is sensitive; whether it is. */
bool export_note(struct export *export, const char *path);

#endif
