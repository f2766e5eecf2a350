/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_LOOKUP_H
#define LAUNCH_LOOKUP_H

#include "stages/launch/plan.h"

struct exec_file;

/*
 * Finding the command inside the sandbox, with the workload's own identity. All return -1 with
 * errno as execve(2) would have it.
 */

/* A regular file this process may read and execute, opened close-on-exec. */
int lookup_open(const char *path) __attribute__((warn_unused_result));

/* The plan's command: a path, or a name in the absolute directories of its PATH. found is the path
 * it was opened by. */
int lookup_command(const struct plan *plan, char found[PLAN_PATH_MAX])
	__attribute__((warn_unused_result));

/* Fill file->path and file->hash from file->fd. */
int lookup_name(struct exec_file *file) __attribute__((warn_unused_result));
int lookup_hash(struct exec_file *file) __attribute__((warn_unused_result));

#endif
