/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_SPAWN_H
#define CMD_SPAWN_H

#include "cmd/process.h"
#include "cmd/processor.h"
#include "ipc/fault.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Starting one stage. A stage gets its standard input and output, our standard error, the
 * descriptors added by spawn_fd under the numbers they have here, no environment but the hint of
 * processor.h, which it empties, no signal blocked or ignored, and nothing else.
 */
#define SPAWN_ARGS_MAX 320
#define SPAWN_FDS_MAX  12

/* Where the stages are, the directory of the running safe-run, and all their environment. */
struct spawn_home {
	char path[PATH_MAX];
	char processor[PROCESSOR_HINT_SIZE];
	bool free;	     /* affinity_is_free */
	unsigned processors; /* likewise */
};

enum fault_code spawn_find_home(struct spawn_home *home, struct fault *fault)
	__attribute__((warn_unused_result));

struct spawn {
	const char *args[SPAWN_ARGS_MAX + 1]; /* borrowed; NULL-terminated */
	size_t arg_count;
	char numbers[SPAWN_FDS_MAX][sizeof("2147483647")];
	int fds[SPAWN_FDS_MAX];
	size_t fd_count;
	int stdin_fd;
	int stdout_fd;
	bool apart; /* in a process group of its own, where no key of the terminal reaches it */
	bool overflowed;
	bool elsewhere; /* start on another processor than ours; else on ours, which we do not need */
	int avoided;	/* the processor that we keep off, or AFFINITY_NONE */
};

/* stdin_fd and stdout_fd may be our own 0 and 1. */
void spawn_begin(struct spawn *spawn, const char *name, int stdin_fd, int stdout_fd);
void spawn_flag(struct spawn *spawn, const char *word);
void spawn_text(struct spawn *spawn, const char *option, const char *text);
/* "OPTION N", and the stage keeps N. Nothing when fd is -1. */
void spawn_fd(struct spawn *spawn, const char *option, int fd);

/* Start it. The caller reaps *process. */
enum fault_code spawn_start(const struct spawn *spawn, const struct spawn_home *home,
			    struct process *process, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Start it, wait for it, and give the exit status safe-run takes over: the stage's own, or
 * VERB_FAILED with a line on stderr when it could not start or a signal ended it.
 */
int spawn_and_wait(const struct spawn *spawn, const struct spawn_home *home);

#endif
