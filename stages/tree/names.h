/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TREE_NAMES_H
#define TREE_NAMES_H

#include <stddef.h>

/* The names in one directory, without "." and "..", in the order of their bytes. */
struct names {
	char *text; /* all names, each with its NUL; owned */
	size_t text_len, text_size;
	size_t *offsets; /* into text; owned */
	size_t count, size;
};

/*
 * Read dir_fd (open for reading, at its start). 0, or -1 with errno; EFBIG: more than max names.
 * In every case the caller releases *names.
 */
int names_read(int dir_fd, size_t max, struct names *names) __attribute__((warn_unused_result));
const char *names_at(const struct names *names, size_t index);
void names_release(struct names *names);

#endif
