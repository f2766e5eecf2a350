/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JAIL_IMAGE_H
#define JAIL_IMAGE_H

#include "ipc/fault.h"
#include "stages/jail/base.h"
#include "stages/jail/request.h"

/*
 * A machine's images, one copy of each for all jails: JAIL_BASE/images/<sha256>, root's, mode 0444 in
 * a directory of mode 0700, hard links to which lie in the jails. A link to the host's own file would
 * need its file system, its mode and its owner; and every link changes the file's change time, by which
 * other runs that are hashing it know that it is at rest.
 *
 * A copy gets its name when it is whole, hashed and on the disk. What no jail has any more, gc takes.
 */
#define IMAGE_DIR JAIL_BASE "/images"

/* The image as root_fd/<name>; copied first where it is not there yet. base_fd as base_open gives it. */
enum fault_code image_place(int base_fd, int root_fd, const struct request_file *file,
			    struct fault *fault) __attribute__((warn_unused_result));

/* Of the host's, for reading: the very one, through no link. -1 with *fault. */
int image_open_source(const struct request_file *file, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
