/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPORT_LINES_H
#define EXPORT_LINES_H

#include "ipc/record.h"
#include "stages/deposit/entry.h"

/* A manifest from its first line to its last, which is read again for each pass. */
struct lines {
	struct record_reader reader;
	struct entry entry;
	char hash[DIGEST_TEXT_SIZE];
};

enum fault_code lines_begin(struct lines *lines, int fd, struct fault *fault)
	__attribute__((warn_unused_result));

/* 1: lines->entry is the next; 0: none is left; -1 with *fault. */
int lines_next(struct lines *lines, struct fault *fault) __attribute__((warn_unused_result));

void lines_end(struct lines *lines);

/*
 * The part of an entry's path below the output it belongs to, whose own path root is: "" for the
 * output itself, its last name when it is a file.
 */
const char *lines_below(const struct entry *entry, const char *root);

#endif
