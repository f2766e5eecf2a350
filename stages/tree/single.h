/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TREE_SINGLE_H
#define TREE_SINGLE_H

#include "ipc/fault.h"
#include "stages/tree/manifest.h"

/*
 * As manifest_make, of one regular file instead of a directory: its manifest is the header and one
 * line, whose path is ".". file_fd: open for reading; read from its start whatever its offset is.
 */
enum fault_code single_make(int file_fd, const struct manifest_visitor *visitor, const char *path,
			    struct manifest *manifest, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
