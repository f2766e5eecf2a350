/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/namespace.h"

#include "sandbox/caps.h"
#include "stages/launch/text_file.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH "launch.namespace"

/* One range of /proc/self/uid_map holds id (user_namespaces(7)). */
static bool id_mapped(const char *map, uint64_t id)
{
	char *end = NULL;

	while (*map != '\0') {
		uint64_t first = strtoull(map, &end, 10);

		(void)strtoull(end, &end, 10);
		uint64_t count = strtoull(end, &end, 10);

		if (id >= first && id - first < count)
			return true;
		if (*end != '\n')
			return false;
		map = end + 1;
	}
	return false;
}

int namespace_has_user(uid_t id)
{
	char map[4096];

	if (text_file_read("/proc/self/uid_map", map, sizeof map) < 0)
		return -1;
	return id_mapped(map, id) ? 1 : 0;
}

int namespace_needs_user(uid_t workload_id)
{
	int has_user;

	if (geteuid() != 0 || (caps_permitted() & (1ULL << CAP_SYS_ADMIN)) == 0)
		return 1;
	has_user = namespace_has_user(workload_id);
	return has_user < 0 ? -1 : !has_user;
}

static pid_t clone_process(uint64_t flags, int *pidfd, int cgroup_fd)
{
	unsigned long long cgroup = cgroup_fd >= 0 ? (unsigned)cgroup_fd : 0;
	struct clone_args args = {
		.flags = flags,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = (uint64_t)SIGCHLD,
		.cgroup = cgroup,
	};

	/*
	 * The raw call, so the child is fork(2)'s: own copy of memory and descriptors. We have one
	 * thread, so no lock of libc can be held by another.
	 */
	return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

pid_t namespace_clone(bool with_user, int *pidfd)
{
	uint64_t flags = (uint64_t)CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
			 CLONE_NEWUTS | CLONE_PIDFD;

	/*
	 * Safe to ask for: new namespaces only take away, and everything done in them with
	 * privilege happens in our own code before the workload exists.
	 */
	return clone_process(with_user ? flags | CLONE_NEWUSER : flags, pidfd, -1);
}

pid_t namespace_fork(int cgroup_fd)
{
	return clone_process(cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0, NULL, cgroup_fd);
}

/*
 * Exactly one id inside, ours outside: what user_namespaces(7) lets anybody write for himself, so
 * no privilege is gained or needed. setgroups must be denied first, or gid_map is refused (Linux
 * 3.19).
 */
enum fault_code namespace_map_user(uid_t outer_uid, gid_t outer_gid, struct fault *fault)
{
	char line[64];

	/*
	 * The files in /proc/self belong to root while we are not dumpable, and a write to them is
	 * refused. Nobody but our own user could attach meanwhile, and init hides again at the end.
	 */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return fault_set_errno(fault, FAULT_RUN_LAUNCH, errno, PATH, "PR_SET_DUMPABLE");
	if (text_file_write("/proc/self/setgroups", "deny") < 0)
		return namespace_explain(errno, true, PATH, fault);
	(void)snprintf(line, sizeof line, "%d %u 1", NAMESPACE_ROOTLESS_ID, outer_uid);
	if (text_file_write("/proc/self/uid_map", line) < 0)
		return namespace_explain(errno, true, PATH, fault);
	(void)snprintf(line, sizeof line, "%d %u 1", NAMESPACE_ROOTLESS_ID, outer_gid);
	if (text_file_write("/proc/self/gid_map", line) < 0)
		return namespace_explain(errno, true, PATH, fault);
	return FAULT_NONE;
}
