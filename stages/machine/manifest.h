/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MACHINE_MANIFEST_H
#define MACHINE_MANIFEST_H

#include "ipc/fault.h"

struct json_object;

/*
 * manifest.json of an artifact directory (safe-run-ipc(7), "Machine artifacts"), and the files it
 * names: each is opened below the directory, through no link, and is the file the manifest was
 * written for, byte for byte. A root of the policy's own (root_fd, -1: none) takes the place of the
 * manifest's.
 *
 * Adds "files" ({"initramfs","kernel","rootfs"}, as file.h has them and with "name", which is null
 * for a root of the policy's own) and "kernelRelease" to answer.
 */
enum fault_code manifest_examine(int dir_fd, int root_fd, const char *kernel,
				 struct json_object *answer, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
