/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_ARTIFACT_ROOT_H
#define CMD_ARTIFACT_ROOT_H

#include "cmd/spawn.h"
#include "ipc/fault.h"

/* What can be seen to fail before anything is fetched. */
enum fault_code artifact_root_check(const char *rootfs, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * The root image, erofs, from what --rootfs says: a directory, oci:PATH (an image layout or an
 * archive of one, unpacked by sr-unpack), or debootstrap:SUITE (root only). Times are zero, all is
 * root's, extended attributes stay behind: the same tree gives the same bytes.
 */
enum fault_code artifact_root_make(const char *rootfs, const char *work, const char *image,
				   const struct spawn_home *home, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
