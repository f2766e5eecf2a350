/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TREE_MANIFEST_H
#define TREE_MANIFEST_H

#include "ipc/fault.h"
#include "stages/seal/digest.h"

#include <stddef.h>
#include <stdint.h>

struct json_object;
struct stat;

/*
 * The manifest of a directory tree (safe-run-report(5), "Roots"), hashed while it is made. It is
 *
 *     "safe-run.tree/v1" NUL
 *
 * and one line for the directory itself (its path is ".") and for everything below it: in each
 * directory the names in the order of their bytes, a directory's own line before those of what is
 * in it. A line is five fields with one space between them, and a NUL behind:
 *
 *     type mode size sha256 path
 *
 * type is d, f, l, p, s, c or b (directory, regular file, symbolic link, FIFO, socket, devices);
 * mode the permission bits with set-id and sticky, four octal digits; size the bytes of a file or
 * of a link's target, else "-"; sha256 the hexadecimal hash of the file's content or of the link's
 * target, "major:minor" of a device, "unreadable" for what this process may not read and others may
 * not either, else "-"; path relative to the top, as the bytes it has. Owners and times are not in
 * it: a sandbox shows neither of the host's.
 *
 * Nothing is followed, no file system mounted below is entered (openat2(2), RESOLVE_BENEATH,
 * NO_SYMLINKS, NO_XDEV): the tree is refused instead. FIFOs, sockets and devices are never opened.
 * Memory is bounded by the names in the directories on one path.
 */
#define MANIFEST_HEADER	     "safe-run.tree/v1"
#define MANIFEST_ENTRIES_MAX 1000000
#define MANIFEST_DEPTH_MAX   128 /* directories below each other; one descriptor each */

struct manifest_limits {
	uint64_t entries; /* without the top */
	unsigned depth;	  /* 1: the top alone */
	const char *noun; /* what the tree is for, in messages: "a root" */
};

/*
 * Somebody who is shown the tree while it is hashed: what he sees is what is in the hash, byte for
 * byte. In the order of the lines; what is in a directory between its ENTER and its LEAVE.
 */
enum manifest_step {
	MANIFEST_ENTER,	     /* a directory, the top first */
	MANIFEST_LEAVE,	     /* data: its struct names; they were shown in this order */
	MANIFEST_FILE,	     /* a regular file; info->st_size is what it is expected to have */
	MANIFEST_DATA,	     /* data: the next len bytes of it; info is NULL */
	MANIFEST_FILE_END,   /* it had exactly what was expected */
	MANIFEST_LINK,	     /* data: the len bytes of its target */
	MANIFEST_OTHER,	     /* FIFO, socket, device */
	MANIFEST_UNREADABLE, /* a file or directory by info, without content */
};

struct manifest_visitor {
	void *context;
	enum fault_code (*visit)(void *context, enum manifest_step step, const struct stat *info,
				 const void *data, size_t len, struct fault *fault);
};

struct manifest {
	char hash[DIGEST_TEXT_SIZE];
	uint64_t directories, files, links, others, unreadable, bytes;
};

/*
 * dir_fd: the top, open for reading; not closed. visitor may be NULL; a fault of its own ends the
 * walk. path is that of faults ("launch.tree").
 */
enum fault_code manifest_make(int dir_fd, const struct manifest_limits *limits,
			      const struct manifest_visitor *visitor, const char *path,
			      struct manifest *manifest, struct fault *fault)
	__attribute__((warn_unused_result));

/* {"bytes","directories","files","hash","links","others","unreadable"}; the caller owns it. */
struct json_object *manifest_to_json(const struct manifest *manifest);

#endif
