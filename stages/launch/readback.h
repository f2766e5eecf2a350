/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_READBACK_H
#define LAUNCH_READBACK_H

#include "ipc/fault.h"

#include <sys/types.h>

struct cgroup;
struct json_object;
struct mount_table;
struct plan;

/*
 * What the kernel says of the workload's process once it is confined and parked: read by the
 * launcher from /proc, compared with what was asked, and kept as enforcement[] of run.prepared.
 * Anything that is not as asked refuses the run.
 */
struct readback_place {
	const struct plan *plan;
	pid_t pid;			/* the workload's, in our pid namespace */
	struct json_object *confined;	/* what it told */
	struct json_object *ours;	/* readback_namespaces of the launcher */
	struct json_object *theirs;	/* and of the sandbox's init */
	struct json_object *shared;	/* what init told of apart.h */
	const struct mount_table *host; /* apart_readback_host; NULL in a guest */
};

struct readback_process {
	const struct plan *plan;
	pid_t pid;
	int outer_filter_count; /* seccomp filters on the launcher itself */
	uid_t outer_uid;	/* the workload's ids as we see them */
	gid_t outer_gid;
};

/* Where it is: namespaces, mounts, Landlock, rlimits. Appends one entry per protection and mount.
 */
enum fault_code readback_place(const struct readback_place *place, struct json_object *enforcement,
			       struct fault *fault) __attribute__((warn_unused_result));

/* What it is: ids, capabilities, no_new_privs, seccomp, and the probes of ready. */
enum fault_code readback_process(const struct readback_process *process, struct json_object *ready,
				 struct json_object *enforcement, struct fault *fault)
	__attribute__((warn_unused_result));

/* ready's probes: each must have failed. */
enum fault_code readback_probes(struct json_object *ready, struct json_object *enforcement,
				struct fault *fault) __attribute__((warn_unused_result));

/* {"mnt":"mnt:[4026531841]",...} of /proc/<process>/ns; null where it cannot be read. The caller
 * owns it. */
struct json_object *readback_namespaces(const char *process);

/* Seccomp filters on this process; -1 when the kernel does not say (before Linux 5.9). */
int readback_filter_count(void);

#endif
