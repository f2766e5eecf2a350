/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_FALLBACK_H
#define LAUNCH_FALLBACK_H

#include <sys/types.h>

struct cgroup;
struct plan;

/*
 * What --best-effort has where no cgroup can hold a limit: setrlimit(2). It is less, and is
 * recorded as that: never as enforced.
 *
 *   resources.memory.max  RLIMIT_AS: the address space of each process, not their sum
 *   resources.pids.max    RLIMIT_NPROC: processes of the workload's uid, all of them in this run:
 *                         the uid is the run's own, or counted in the user namespace it has to
 *                         itself (Linux 5.14); before that nothing
 *   resources.cpu.max     nothing: a limit on time used is not a rate
 */

/* In the launcher, before the workload is forked: which limits plan needs. */
void fallback_choose(struct plan *plan, const struct cgroup *cgroup);

/* In the workload, when it will allocate no more. What fails shows in fallback_record. */
void fallback_apply(const struct plan *plan);

/* In the launcher, once the workload has done it: read back, and said in cgroup's clauses. */
void fallback_record(const struct plan *plan, pid_t pid, struct cgroup *cgroup);

#endif
