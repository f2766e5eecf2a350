/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_ROOT_PATHS_H
#define LAUNCH_ROOT_PATHS_H

#include <stddef.h>

/*
 * What of the host may be the sandbox's root, and nothing else: system directories and a few files
 * of /etc that programs expect and that hold no secret, in the order they are made. sr-validate
 * looks which of them are there; sr-launch takes no other from a bundle, which may leave entries
 * out but cannot name /root, /etc/shadow or /var. What a user wants to share goes through mounts,
 * where the host's allowlist decides.
 */
#define ROOT_PATHS_COUNT     20
#define ROOT_PATHS_LOCALTIME "/etc/localtime"

extern const char *const root_paths[ROOT_PATHS_COUNT];

#endif
