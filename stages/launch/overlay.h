/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_OVERLAY_H
#define LAUNCH_OVERLAY_H

#include <stdint.h>

struct root;

/*
 * A read-only overlay file system of our own over one directory of the host's (overlayfs, Linux
 * 5.11 in a user namespace). It shows what the directory shows, but through inodes that nobody else
 * has: locks, leases and watches sit on an inode, and so end at the run.
 *
 * Nothing in the directory may steer it. Redirects, metadata-only files and indices, which a file
 * system that was an overlay's upper layer can hold, are not followed; extended attributes of users
 * are never looked at. A character device 0:0 (overlayfs's whiteout) is hidden.
 */

/*
 * Over dir_fd, what it is open on and no path looked up again, without a place yet; what is mounted
 * below is not in it. -1 with errno: ENODEV no overlayfs here, EINVAL or ELOOP the file system or
 * the depth of overlays does not allow it, or (in a user namespace) something is mounted below.
 */
int overlay_mount(const struct root *root, int dir_fd, uint64_t attributes)
	__attribute__((warn_unused_result));

/* What upper_fd has, above what lower_fd has. */
int overlay_mount_two(const struct root *root, int upper_fd, int lower_fd, uint64_t attributes)
	__attribute__((warn_unused_result));

/*
 * The same with a place nobody can look up, from which parts can be copied (mount_copy_one); it
 * goes with the old root.
 */
int overlay_stage(const struct root *root, int dir_fd, uint64_t attributes)
	__attribute__((warn_unused_result));

#endif
