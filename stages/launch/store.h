/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_STORE_H
#define LAUNCH_STORE_H

#include "ipc/fault.h"
#include "stages/launch/launch.h"
#include "stages/seal/digest.h"

#include <stdbool.h>

/*
 * The store of unpacked images (safe-run-ipc(7), "The store"): a directory of the caller's own that
 * nobody else may write, addressed by content.
 *
 *     images/<sha256>          a file system image, mode 0400
 *     trees/<sha256>/root      an unpacked image of layers
 *     volumes/<sha256>/image   a microVM's: an image made of directories and files, by sr-image's
 *                              key, or a copy of one; the entry's own time is when it was used last
 *     trees/<sha256>/manifest  sr-tree's record of it; of a volume sr-image's
 *     lock                     held (flock(2)) by who adds something
 *     work/                    where that is made; from another time when the lock was free
 *
 * Entries are made in work/, written to the disk, and get their names by rename(2): they are whole,
 * or not there. Nothing writes to an entry afterwards. What unpacks has the right to work/unpack
 * alone, so no image can touch another's entry.
 */
struct store_entry {
	char key[DIGEST_TEXT_SIZE]; /* "sha256:<hex>" */
	bool image;		    /* a file; else a tree, or ... */
	bool volume;		    /* ... the image of a directory, by the hash of what is in it */
};

/* Whether the store is one: a directory that we own and others cannot write to. */
enum fault_code store_check(int store_fd, struct fault *fault) __attribute__((warn_unused_result));

/*
 * Open it: the file for reading, or the tree's root (O_PATH). -1 with *fault unset when there is
 * none; else a fault.
 */
enum fault_code store_find(int store_fd, const struct store_entry *entry, int *fd,
			   struct fault *fault) __attribute__((warn_unused_result));

/* What sr-tree said of a tree when it was new; the caller owns *record. */
enum fault_code store_read_manifest(int store_fd, const struct store_entry *entry,
				    struct json_object **record, struct fault *fault)
	__attribute__((warn_unused_result));

/* Wait for the lock, at most as long as an assistant may work; close it to give it back. */
enum fault_code store_lock(int store_fd, int interrupt_fd, int *lock_fd, struct fault *fault)
	__attribute__((warn_unused_result));

/* With the lock: work/unpack, empty (*unpack_fd) ... */
enum fault_code store_begin(const struct launch *launch, int *unpack_fd, struct fault *fault)
	__attribute__((warn_unused_result));
/* ... and what is in it now, named image or root, under its name. record: of a tree. */
enum fault_code store_publish(int store_fd, const struct store_entry *entry,
			      struct json_object *record, struct fault *fault)
	__attribute__((warn_unused_result));
/* Whatever is left of it. */
void store_clear(const struct launch *launch);

#endif
