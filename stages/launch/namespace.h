/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_NAMESPACE_H
#define LAUNCH_NAMESPACE_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * The sandbox's namespaces (namespaces(7)): mount, pid, network, ipc and uts for init, which is
 * cloned into them; a user namespace around them all when we are not root; and a cgroup namespace,
 * which the workload makes for itself once it is in the run's cgroup, so that this is its root.
 */
#define NAMESPACE_ROOTLESS_ID 1000 /* uid and gid inside, when not root */

/*
 * Whether an own user namespace is needed: we lack CAP_SYS_ADMIN, or workload_id has no meaning in
 * the user namespace we are in. 1, 0, or -1 with errno: nobody knows, and to guess "needed" would
 * let root's own identity stand behind the workload's.
 */
int namespace_needs_user(uid_t workload_id) __attribute__((warn_unused_result));

/* Whether id has a meaning in the user namespace we are in. 1, 0, or -1 with errno. */
int namespace_has_user(uid_t id) __attribute__((warn_unused_result));

/*
 * fork(2) into new namespaces: 0 in the child, the child's pid and *pidfd (owned, CLOEXEC) in the
 * caller, or -1 with errno. The child is pid 1 of its pid namespace.
 */
pid_t namespace_clone(bool with_user, int *pidfd) __attribute__((warn_unused_result));

/* fork(2) from init into the version 2 cgroup behind cgroup_fd, or -1 to stay where init is. */
pid_t namespace_fork(int cgroup_fd) __attribute__((warn_unused_result));

/* In the child, first thing: map the caller's uid and gid to NAMESPACE_ROOTLESS_ID. */
enum fault_code namespace_map_user(uid_t outer_uid, gid_t outer_gid, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * A fault for error_number, met while path ("launch.namespace") was done: when this host denies
 * user namespaces, by which of the known means, and how to mend it; else only the error.
 */
enum fault_code namespace_explain(int error_number, bool with_user, const char *path,
				  struct fault *fault);

#endif
