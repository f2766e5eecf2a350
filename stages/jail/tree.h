/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JAIL_TREE_H
#define JAIL_TREE_H

/*
 * Remove name below parent_fd with all that is in it. What is there may be a VMM's own work: names
 * are unlinked as what they are, nothing is followed, no other file system is entered, and what is
 * deeper than 64 levels stays. 0, also when it was not there; or -1 with errno.
 */
int tree_remove(int parent_fd, const char *name) __attribute__((warn_unused_result));

#endif
