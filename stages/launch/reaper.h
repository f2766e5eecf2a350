/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_REAPER_H
#define LAUNCH_REAPER_H

#include "ipc/fault.h"

#include <sys/types.h>

struct plan;

/*
 * What init is once the workload is forked: without capabilities, with the workload's ids (or it
 * could not signal it), hidden, behind the filter launch-init. Keeps channel_fd and one descriptor
 * for SIGCHLD.
 */
enum fault_code reaper_confine(const struct plan *plan, int channel_fd, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Reap whatever ends, pass signals on to the workload's process group, and when the workload
 * itself (pid) has ended, end all that is left, tell how it ended ({"type":"exit"}), and go. spare, 0:
 * none, waits to take its place: while it does, the first one's end is {"type":"ended"} and no more.
 */
_Noreturn void reaper_loop(int channel_fd, pid_t pid, pid_t spare);

#endif
