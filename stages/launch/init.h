/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_INIT_H
#define LAUNCH_INIT_H

#include <sys/types.h>

struct plan;

/*
 * Pid 1 of the sandbox, and part of us: it makes the root, forks the workload, gives up everything,
 * and stays to reap. Nobody inside can signal, trace or see it; when it ends, the kernel ends
 * everything in its pid namespace (pid_namespaces(7)), and it ends with the launcher.
 *
 * Cloned before the bundle is read; *plan is empty until CHANNEL_BUILD.
 */
struct init_arguments {
	struct plan *plan;
	int channel_fd;		 /* to the launcher */
	int workload_channel_fd; /* the workload's, passed on */
	uid_t outer_uid;	 /* the launcher's */
	gid_t outer_gid;
};

_Noreturn void init_main(const struct init_arguments *arguments);

#endif
