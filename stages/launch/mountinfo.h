/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_MOUNTINFO_H
#define LAUNCH_MOUNTINFO_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct mount_table;
struct plan;

/* One line of /proc/<pid>/mountinfo (proc_pid_mountinfo(5)). */
struct mountinfo {
	uint64_t id;   /* statx(2)'s stx_mnt_id */
	char *device;  /* of the file system: "0:39" */
	char *point;   /* unescaped */
	char *options; /* of this mount: "ro,nosuid,nodev,relatime" */
	char *type;    /* of the file system: "tmpfs" */
	char *super;   /* of the file system: "rw,size=65536k" */
};

/*
 * Cut the first line off *text, in place. 1 with *mount, 0 at the end, -1 when the line is not
 * understood.
 */
int mountinfo_next(char **text, struct mountinfo *mount) __attribute__((warn_unused_result));

/*
 * Whether the type is one whose files are the kernel's own interfaces, which are never shared with a
 * sandbox.
 */
bool mountinfo_is_kernel(const char *type);

/* Whether a comma-separated list has name. */
bool mountinfo_has(const char *options, const char *name);

/*
 * Every mount the process sees: nosuid, nodev but for the device nodes, and read-only but for what
 * the plan makes writable; anything else refuses the run. Adds default.root, resources.disk.max,
 * files.locks (host, shared: see apart_readback.h) and one entry per mount of the policy.
 */
enum fault_code mountinfo_check(const struct plan *plan, const char *process,
				const struct mount_table *host, struct json_object *shared,
				struct json_object *enforcement, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
