/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GUEST_CARGO_H
#define GUEST_CARGO_H

#include "ipc/fault.h"
#include "stages/guest/cargo_format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the guest delivers (cargo_format.h), written below one directory: a tmpfs of the run's, of a
 * size in bytes and files that is the host's own, and which sr-collect then looks at as it does at
 * any work directory. The first thing that is not in the format is the end of it.
 *
 * Safe whatever comes: names are opened beneath the directory without following a link, files are
 * new, data is bounded by the block it came in and by the size its file announced.
 */
#define CARGO_BUFFER ((size_t)CARGO_LINE_MAX + 1)

struct cargo {
	int tree_fd;	   /* not owned */
	int file_fd;	   /* of the last file entry; -1 when it was not kept */
	uint64_t size, at; /* of that file, and the end of its data so far */
	bool in_file;
	size_t data_left; /* of the block under way */
	uint64_t data_at;
	uint64_t entries, skipped; /* skipped: told, and not to be made here */
	bool ended;
	bool full; /* the directory has no room: the rest is read and dropped */
	size_t len;
	char buffer[CARGO_BUFFER];
};

void cargo_init(struct cargo *cargo, int tree_fd);
void cargo_release(struct cargo *cargo);

/* The next bytes of the stream, however they are cut. A fault is the guest's violation. */
enum fault_code cargo_take(struct cargo *cargo, const char *data, size_t len, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
