/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNPACK_BELOW_H
#define UNPACK_BELOW_H

#include <sys/types.h>

/*
 * Names below a directory, and no way out of it (openat2(2)). All return -1 with errno, and a
 * descriptor is the caller's.
 */

/*
 * A regular file for reading; EINVAL when it is something else. Symbolic links may lead to it that
 * are relative and stay below dir_fd: archives share layers by them. EXDEV for any other.
 */
int below_open_file(int dir_fd, const char *path) __attribute__((warn_unused_result));

/* A new file in dir_fd, which must not have the name yet (O_EXCL). */
int below_create(int dir_fd, const char *name, mode_t mode) __attribute__((warn_unused_result));

/* A directory in dir_fd, for reading. */
int below_open_directory(int dir_fd, const char *name) __attribute__((warn_unused_result));

/*
 * A directory by a path as the tree at root_fd means it: symbolic links are followed, and end in
 * the tree even when they are absolute (RESOLVE_IN_ROOT).
 */
int below_resolve(int root_fd, const char *path) __attribute__((warn_unused_result));

/*
 * Remove name from dir_fd, whatever it is; ENOENT is no failure. Directories too deep for recursion
 * are moved to spare_fd, on the same file system, under a name of their own and left there.
 */
int below_remove(int dir_fd, const char *name, int spare_fd) __attribute__((warn_unused_result));

/* Everything in dir_fd, but not itself; with spare_fd the same directory it leaves nothing. */
int below_clear(int dir_fd, int spare_fd) __attribute__((warn_unused_result));

#endif
