/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECT_OPEN_H
#define COLLECT_OPEN_H

#include <stddef.h>
#include <sys/stat.h>

/*
 * Opening one name in a tree whose writer is dead, without following a link or leaving the file
 * system, whatever modes it was left with: the tree's owner, as whom we run, may always give
 * himself what he lacks. All return -1 with errno.
 */

/*
 * A regular file or directory for reading. It must still be what info says (ESTALE); nothing can
 * change it, so this holds unless the tree is not what we were told.
 */
int open_entry(int dir_fd, const char *name, const struct stat *info)
	__attribute__((warn_unused_result));

/*
 * The directory the last name of path is in; name gets that. A link on the way is ELOOP. Of "." it
 * is the tree itself and the name ".".
 */
int open_parent(int tree_fd, const char *path, char *name, size_t size)
	__attribute__((warn_unused_result));

#endif
