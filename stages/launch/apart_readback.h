/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_APART_READBACK_H
#define LAUNCH_APART_READBACK_H

#include "ipc/fault.h"
#include "stages/launch/mount_table.h"

#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct plan;

/*
 * The kernel's word on apart.h, by the launcher: no file system the host has mounted is mounted in
 * the sandbox. Its clause is files.locks.
 */
struct apart_readback {
	const struct plan *plan;
	const struct mount_table *host;
	size_t mounts, overlays;
	size_t host_devices; /* nodes of /dev that are the host's */
	char foreign[192];   /* where the first file system of the host's is; "" for none */
};

/* What is mounted here, by the launcher, before there is anything to read back. mount_table_release. */
enum fault_code apart_readback_host(const struct plan *plan, struct mount_table *host,
				    struct fault *fault) __attribute__((warn_unused_result));

/* host lives as long as readback. */
void apart_readback_start(struct apart_readback *readback, const struct plan *plan,
			  const struct mount_table *host);
/* Whether what is mounted is an overlay of the run's own, or stands for one (apart_split.h). */
bool apart_readback_own(const struct apart_readback *readback, const struct mountinfo *mount);
/* One line of the workload's mountinfo. */
void apart_readback_mount(struct apart_readback *readback, const struct mountinfo *mount);
/* shared: what init could only bind (apart.h); NULL: nothing. */
enum fault_code apart_readback_end(struct apart_readback *readback, struct json_object *shared,
				   struct json_object *enforcement, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
