/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GUEST_CARGO_MAKE_H
#define GUEST_CARGO_MAKE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * New entries below tree_fd. path leads down (path_leads_down) and has been seen by nobody but the
 * guest: it is resolved beneath the directory, through no link (openat2(2)), and missing
 * directories are made, mode 0755. What is there already is never touched (EEXIST). Modes are
 * permission bits. 0 (a descriptor: the caller's), or -1 with errno.
 */
#define CARGO_PATH_SIZE 4096

int cargo_make_file(int tree_fd, const char *path, unsigned mode, uint64_t size);
int cargo_make_directory(int tree_fd, const char *path, unsigned mode);
int cargo_make_link(int tree_fd, const char *path, const char *target);
int cargo_make_node(int tree_fd, const char *path, unsigned mode, bool fifo); /* or a socket */

#endif
