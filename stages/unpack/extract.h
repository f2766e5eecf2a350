/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNPACK_EXTRACT_H
#define UNPACK_EXTRACT_H

#include "ipc/fault.h"
#include "stages/unpack/bounds.h"

#include <stdbool.h>

struct archive;
struct archive_entry;

/*
 * Entries of a layer into a tree (OCI image-spec v1.1, layer.md).
 *
 * A layer is read twice. The first pass takes its whiteouts, which are about the layers below and
 * not about its own entries, whatever their order: ".wh.NAME" removes NAME, ".wh..wh..opq" all that
 * is in its directory. The second makes its directories, files and links.
 *
 * A name with ".." in it, or one that begins with "/", is refused. Symbolic links on the way are
 * followed as the image means them, with its own root as "/", and lead nowhere else. A link's
 * target is kept as it is: it is only ever followed in the sandbox. Hard links are made to regular
 * files of the tree alone. Devices, FIFOs and sockets are passed over and counted. Set-id bits,
 * owners, extended attributes are dropped; a file or directory can always be read by who owns it
 * (mode 0400, 0700 are added), so that it can be hashed, and removed again.
 */
struct extract {
	int root_fd;
	int spare_fd; /* below_remove */
	bool plain;   /* an archive of blobs, not a layer: no name in it is a whiteout */
	const struct bounds *bounds;
	struct tally *tally;
};

/* layer_entry_fn; context is a struct extract. */
enum fault_code extract_whiteout(struct archive *reader, struct archive_entry *entry, void *context,
				 struct fault *fault);
enum fault_code extract_entry(struct archive *reader, struct archive_entry *entry, void *context,
			      struct fault *fault);

/* Where an entry goes: the directory it is in, open and the caller's, and its last name. */
struct extract_place {
	char path[BOUNDS_PATH];
	const char *name; /* in path; "" is the top itself */
	int dir_fd;	  /* -1: there is no such directory */
};

/*
 * make: directories on the way, mode 0755, where an archive left them out; else a missing one is no
 * fault, and leaves dir_fd -1.
 */
enum fault_code extract_place(int root_fd, const char *name, bool make, struct extract_place *place,
			      struct fault *fault) __attribute__((warn_unused_result));

/*
 * An entry's name as components with "/" between them, "./" and slashes at the end gone; "" is the
 * top itself. A fault when it leads out of the tree or has too many or too long components.
 */
enum fault_code extract_name(const char *name, char out[BOUNDS_PATH], struct fault *fault)
	__attribute__((warn_unused_result));

#endif
