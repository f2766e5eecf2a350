/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_RUNDIR_REMOVE_H
#define CMD_RUNDIR_REMOVE_H

#include "cmd/rundir.h"
#include "ipc/fault.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * Removing run directories. Only what a run makes is removed: the files of the directory, of
 * stages/ and of artifacts/, never anything below, never through a link. Whatever else somebody
 * put there stays, and so do the directories around it.
 */
enum rundir_kind {
	RUNDIR_DEAD,	 /* unfinished, and nobody holds its lock */
	RUNDIR_FINISHED, /* there is a report */
	RUNDIR_ALIVE,
	RUNDIR_STRANGE, /* not a run directory of ours */
};

enum rundir_kind rundir_look(int base_fd, const char *name);

/* 0, or -1 with errno; base_fd stays the caller's. */
int rundir_remove(int base_fd, const char *name) __attribute__((warn_unused_result));

/* Take back a directory whose run never started. */
enum fault_code rundir_discard(struct rundir *rundir, struct fault *fault)
	__attribute__((warn_unused_result));

/* When the run whose id this is began, by the id itself; -1 when it has no such form. */
time_t rundir_started(const char *run_id);

#endif
