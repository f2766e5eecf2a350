/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_PROCESS_H
#define CMD_PROCESS_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * One child of ours. fd is its pidfd (pidfd_open(2)), readable once it has ended; it names this
 * process and no later one, so a signal sent through it cannot hit a stranger.
 */
struct process {
	const char *name; /* NULL: never started, or reaped */
	pid_t pid;
	int fd;
};

struct process_end {
	bool signalled;
	int number; /* the signal, or the exit status */
};

#define PROCESS_NONE                                                                               \
	{                                                                                          \
		.name = NULL, .pid = -1, .fd = -1                                                  \
	}

/* A child just started, which name outlives; on a fault it is killed. */
enum fault_code process_adopt(struct process *process, pid_t pid, const char *name,
			      struct fault *fault) __attribute__((warn_unused_result));
bool process_runs(const struct process *process);
/* Wait for its end and reap it; the process is PROCESS_NONE afterwards. */
struct process_end process_reap(struct process *process);
void process_kill(const struct process *process);

/*
 * How it ended, in words: a filter's SIGSYS is named as what it is. One line without LF into out.
 */
void process_describe(const char *name, const struct process_end *end, char *out, size_t size);
/* That line on stderr when it was a signal; the exit status safe-run takes over otherwise. */
int process_status(const char *name, const struct process_end *end);

#endif
