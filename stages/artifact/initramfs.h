/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARTIFACT_INITRAMFS_H
#define ARTIFACT_INITRAMFS_H

#include "ipc/fault.h"
#include "stages/artifact/modules.h"

struct json_object;

/*
 * The guest's initramfs, a cpio archive in the "newc" format without compression (the kernel's
 * documentation driver-api/early-userspace/buffer-format.rst): /init, which is sr-init, /dev/console,
 * and /modules with the modules and their order. No time, no inode and no name of the host is in
 * it: the same programs and the same kernel give the same bytes.
 */
enum fault_code initramfs_write(int out_fd, int init_fd, int modules_fd,
				const struct modules *modules, struct json_object **entry,
				struct fault *fault) __attribute__((warn_unused_result));

#define INITRAMFS_NAME "initramfs.img"

#endif
