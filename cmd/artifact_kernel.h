/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_ARTIFACT_KERNEL_H
#define CMD_ARTIFACT_KERNEL_H

#include "ipc/fault.h"

#include <limits.h>

/*
 * Where a kernel and its modules lie, from what --kernel says:
 *   deb:NAME   a package of the host's archive, or the one a metapackage of that name depends on
 *   FILE.deb   such a package, here already
 *   FILE       a bzImage, /boot/vmlinuz-RELEASE or with --modules DIR
 */
struct artifact_kernel {
	char image[PATH_MAX];
	char modules[PATH_MAX]; /* with modules.dep in it */
	char release[128];	/* what that directory is called */
};

/* work is an empty directory of ours, where packages are fetched and unpacked. */
enum fault_code artifact_kernel_find(const char *kernel, const char *modules, const char *work,
				     struct artifact_kernel *found, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
