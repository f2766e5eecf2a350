/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/loop.h"

#include "stages/launch/descriptor.h"
#include "stages/launch/firecracker.h"
#include "stages/launch/launch.h"
#include "stages/launch/message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* sr-jail ends its machine, and takes the jail away, once the channel is closed. */
static void let_go(struct launch *launch)
{
	struct pollfd item = {.fd = launch->pidfd, .events = POLLIN};

	descriptor_close(&launch->init_fd);
	(void)!poll(&item, 1, JAIL_END_MS);
}

static void note_jail(struct launch *launch, int status)
{
	bool removed = WIFEXITED(status) && WEXITSTATUS(status) <= 1;

	launch_note(launch, "launch.jail", removed,
		    removed ? "removed" : "sr-jail could not remove it: safe-run gc does");
}

/*
 * init takes everything in its pid namespace with it, and its end is waited for, so nothing of the
 * workload lives when this returns (pid_namespaces(7)). Its own rusage has all it reaped, which is
 * what is known when it had no time to tell the workload's.
 */
static void reap_init(struct launch *launch)
{
	struct rusage usage;
	int status = 0;
	pid_t pid;

	if (launch->jail.taken)
		let_go(launch);
	/* ESRCH: it has ended already. */
	(void)pidfd_send_signal(launch->pidfd, SIGKILL, NULL, 0);
	do
		pid = wait4(launch->init_pid, &status, 0, &usage);
	while (pid < 0 && errno == EINTR);
	(void)close(launch->pidfd);
	launch->pidfd = -1;
	launch_note(launch, "launch.kill", pid == launch->init_pid,
		    pid == launch->init_pid ? "the sandbox's processes have ended"
					    : strerror(errno));
	if (launch->jail.taken)
		note_jail(launch, status);
	if (launch->end.known || pid != launch->init_pid)
		return;
	launch->end.wait_status = SIGKILL;
	launch->end.max_rss_bytes = (int64_t)usage.ru_maxrss * 1024;
	launch->end.system_us = message_us(&usage.ru_stime);
	launch->end.user_us = message_us(&usage.ru_utime);
}

enum fault_code loop_hold(struct launch *launch, struct fault *fault)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)launch->init_pid);
	launch->mounts_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (launch->mounts_fd >= 0)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_RUN_LAUNCH, errno, "launch.namespace",
			       "cannot open the sandbox's mount namespace");
}

void loop_end(struct launch *launch)
{
	if (launch->pidfd >= 0)
		reap_init(launch);
}

void loop_clean(struct launch *launch)
{
	struct fault fault;

	if (!launch->cgroup_prepared)
		return;
	launch->cgroup_prepared = false;
	if (launch->jail.taken)
		firecracker_clean(launch);
	if (cgroup_remove(&launch->cgroup, &fault) == FAULT_NONE)
		launch_note(launch, "launch.cgroup", true, "removed");
	else
		launch_note(launch, "launch.cgroup", false, fault.message);
}
