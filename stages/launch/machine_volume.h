/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_MACHINE_VOLUME_H
#define LAUNCH_MACHINE_VOLUME_H

#include "ipc/fault.h"
#include "stages/launch/machine.h"

#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct launch;

/*
 * An image of directories and files of the host's, for a device of a guest's: made once for what is
 * in them and whose it is, kept in the store under that key, and hashed as it lies there each time.
 * The trees are read anew for every run, so no image is ever stale.
 */
struct machine_tree {
	int fd;		  /* open for reading; the caller's */
	const char *name; /* of the host, for messages */
};

struct machine_volume {
	const struct machine_tree *trees;
	size_t tree_count;
	bool root; /* the one tree is the image's top; else "00", "01" and so on at the top */
	const char *path;     /* of faults */
	size_t tree_at_fault; /* which one a fault is about */
	/* sr-tree's record of the last tree, with hash and counts; the caller's. */
	struct json_object *record;
};

/* *file: the image, open (file->fd) and hashed through that descriptor. */
enum fault_code machine_volume(struct launch *launch, struct machine_volume *volume,
			       struct machine_file *file, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
