/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPORT_PLACE_H
#define EXPORT_PLACE_H

#include <stddef.h>
#include <sys/types.h>

/* Names below a directory of the caller's; no link is ever followed. All give -1 with errno. */

/* A file or directory below dir_fd (openat2(2), RESOLVE_BENEATH). "" is dir_fd itself. */
int place_open(int dir_fd, const char *path, int flags) __attribute__((warn_unused_result));

/* The directory path is in, O_PATH, made with its parents where it lacks; *name is the last part.
 */
int place_parent(int dir_fd, const char *path, const char **name)
	__attribute__((warn_unused_result));

#endif
