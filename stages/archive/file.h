/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_FILE_H
#define ARCHIVE_FILE_H

#include "ipc/buf.h"
#include "ipc/fault.h"
#include "stages/seal/span.h"

#include <stdbool.h>

/*
 * Small files of an archive. Replacing is atomic and durable: a temporary file ("<name>.new"),
 * fsync, rename, fsync of the directory; a crash leaves the old one or the new one, and at worst
 * the temporary, which the next writer overwrites.
 */

/* Append a whole file to out, whose ceiling is the largest file taken; known: there is one. */
enum fault_code file_load(int directory_fd, const char *name, struct buf *out, bool *known,
			  struct fault *fault) __attribute__((warn_unused_result));
/* The same for a file that is open already; name is for faults. */
enum fault_code file_read(int fd, const char *name, struct buf *out, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code file_replace(int directory_fd, const char *name, struct span text,
			     struct fault *fault) __attribute__((warn_unused_result));
/* Have a directory's names survive a power cut. */
enum fault_code file_sync_directory(int directory_fd, const char *name, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
