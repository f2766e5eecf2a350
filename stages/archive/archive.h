/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_ARCHIVE_H
#define ARCHIVE_ARCHIVE_H

#include "ipc/fault.h"
#include "stages/archive/index.h"
#include "stages/archive/leaf.h"
#include "stages/archive/ledger.h"
#include "stages/archive/note.h"
#include "stages/archive/settings.h"

#include <stdbool.h>

/*
 * One open archive: a directory with archive.json, leaves.jsonl, checkpoint, bodies/, prunes.jsonl
 * and index.db. The lock, flock(2) on leaves.jsonl, is held from archive_open to archive_close, by
 * one writer or by many readers.
 *
 * What a crash left half done is put right by archive_open whenever it may write: a torn line is
 * cut off, a body whose leaf was written gets its name, one whose leaf was not is removed. A leaf
 * that no checkpoint covers yet stays, and the next checkpoint covers it.
 */
#define ARCHIVE_LEAVES	   "leaves.jsonl"
#define ARCHIVE_PRUNES	   "prunes.jsonl"
#define ARCHIVE_CHECKPOINT "checkpoint"

enum archive_use {
	ARCHIVE_CREATE, /* to write, and made when the directory is empty */
	ARCHIVE_WRITE,
	ARCHIVE_ASK,  /* to read, with the index brought up to date where that is allowed */
	ARCHIVE_READ, /* to read, changing nothing */
};

struct archive {
	int fd; /* the directory, which is the working directory too; borrowed */
	int bodies_fd;
	bool writable;
	struct settings settings;
	struct ledger leaves, prunes;
	struct index *index; /* NULL until archive_index, and where it cannot be used */
};

/* new_origin is what an archive made now is called. */
enum fault_code archive_open(struct archive *archive, int fd, enum archive_use use,
			     const char *new_origin, struct fault *fault)
	__attribute__((warn_unused_result));
void archive_close(struct archive *archive);
/* Let other readers in, for one that takes long. */
enum fault_code archive_share(struct archive *archive, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Open the index and bring it up to date; one that is missing, damaged or ahead of the leaves is
 * made anew. Only on an archive that is writable.
 */
enum fault_code archive_index(struct archive *archive, struct fault *fault)
	__attribute__((warn_unused_result));
/* Have an open index hear of what was written since. */
enum fault_code archive_catch_up(struct archive *archive, struct fault *fault)
	__attribute__((warn_unused_result));
/* Throw it away and make it anew. */
enum fault_code archive_reindex(struct archive *archive, struct fault *fault)
	__attribute__((warn_unused_result));

/* The leaf at an offset of leaves.jsonl, which must be a line's first byte. */
enum fault_code archive_leaf(const struct archive *archive, uint64_t offset, struct leaf *leaf,
			     struct fault *fault) __attribute__((warn_unused_result));

/* Seconds since 1970. */
uint64_t archive_now(void);

#endif
