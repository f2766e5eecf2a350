/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARTIFACT_MODULES_H
#define ARTIFACT_MODULES_H

#include "ipc/fault.h"

#include <stddef.h>

/*
 * Which modules a guest needs, in the order they are loaded: disks, streams, randomness, the file
 * systems of images, vsock, and what each depends on, from modules.dep of the kernel's directory
 * (modules.dep.bin(5)). What the kernel has built in is on no list.
 */
#define MODULES_MAX	64
#define MODULES_DEP_MAX ((size_t)8 << 20)

struct modules {
	char *dep; /* owned: the text the paths point into */
	const char *paths[MODULES_MAX];
	size_t count;
};

enum fault_code modules_select(int modules_fd, struct modules *modules, struct fault *fault)
	__attribute__((warn_unused_result));
void modules_release(struct modules *modules);

/* The last component of a path: what it is called in the initramfs, without .gz, .xz, .zst. */
void modules_name(const char *path, char *out, size_t size);

#endif
