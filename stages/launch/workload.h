/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_WORKLOAD_H
#define LAUNCH_WORKLOAD_H

#include <stdbool.h>

struct plan;

/*
 * What init's child does with itself until it is the workload. Everything is given up in one order;
 * each step that fails is told and ends the process, for nothing half confined may go on:
 *
 *   cgroup (cgroup_fds, all that init was given) and its namespace, session, terminal, descriptors,
 *   limits, ids and capabilities, no_new_privs, Landlock, the executable found and hashed, the
 *   {"type":"confined"}, the workload's filter, the probes, {"type":"ready"}, the wait for
 *   CHANNEL_EXEC, and exec.
 *
 * spare: with the words of the second VMM (plan.h). After a failed exec it tells
 * {"type":"exec","errno"} and exits.
 */
_Noreturn void workload_main(const struct plan *plan, bool spare, int channel_fd,
			     const int *cgroup_fds);

#endif
