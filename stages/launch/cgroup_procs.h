/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_CGROUP_PROCS_H
#define LAUNCH_CGROUP_PROCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The processes of one cgroup directory, as cgroup.procs lists them. */

struct cgroup_procs {
	int fd;
	size_t at;
	size_t len;
	char text[2048];
};

/* -1 with errno when the list cannot be opened. cgroup_procs_close is right in either case. */
int cgroup_procs_open(struct cgroup_procs *procs, int dir_fd) __attribute__((warn_unused_result));
/* The next process; false at the end. */
bool cgroup_procs_next(struct cgroup_procs *procs, pid_t *pid) __attribute__((warn_unused_result));
void cgroup_procs_close(struct cgroup_procs *procs);

bool cgroup_procs_has(int dir_fd, pid_t pid);

/*
 * SIGKILL each process listed. A pid is signalled through a pidfd taken before the list is read a
 * second time and still names it: a pid that was reused meanwhile belongs to somebody else.
 */
void cgroup_procs_kill(int dir_fd);

/* Wait until none is left, or the time (CLOCK_MONOTONIC) has come; whether none is left. */
bool cgroup_procs_wait(int dir_fd, uint64_t deadline_ms);

uint64_t cgroup_now_ms(void);

#endif
