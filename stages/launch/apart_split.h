/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_APART_SPLIT_H
#define LAUNCH_APART_SPLIT_H

#include "ipc/fault.h"
#include "stages/launch/apart.h"

/*
 * A directory something is mounted below, for the root of a user namespace. Mounts that came with
 * the namespace are locked there: no overlay goes over a directory that holds one, since it would
 * show what the mount hides (has_locked_children in the kernel's fs/namespace.c). So a read-only
 * tmpfs stands for that directory, with an overlay for each directory in it that holds no mount, a
 * tmpfs again for each that does, symbolic links made again and files copied, 1 MiB each at most.
 * Copies and stand-ins have the caller's owner; modes and, of directories, times are the host's.
 */
#define APART_SPLIT_MAX 1024 /* entries shown one by one, for one source */

/*
 * On what place_fd is open on. FAULT_HOST_LACKS when an entry cannot be had so: a larger file, a
 * FIFO or socket or device, a directory that cannot be read, more than APART_SPLIT_MAX of them.
 */
enum fault_code apart_split(struct apart *apart, const struct apart_source *source, int place_fd,
			    struct fault *fault) __attribute__((warn_unused_result));

#endif
