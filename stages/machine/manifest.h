/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MACHINE_MANIFEST_H
#define MACHINE_MANIFEST_H

#include "ipc/fault.h"

#include <stdbool.h>

struct json_object;

/*
 * manifest.json of an artifact directory (safe-run-ipc(7), "Machine artifacts"), and the files it
 * names: each is opened below the directory, through no link, and is the file the manifest was
 * written for, byte for byte. The root is not looked at where the policy has one of its own
 * (wants_root false). Not hashed, the hashes are the manifest's own promise, and the rest is true.
 *
 * Adds "files" ({"initramfs","kernel","rootfs"}, as file.h has them and with "name") and
 * "kernelRelease" to answer.
 */
enum fault_code manifest_examine(int dir_fd, bool wants_root, bool hashed, const char *kernel,
				 struct json_object *answer, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
