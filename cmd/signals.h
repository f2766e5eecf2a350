/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_SIGNALS_H
#define CMD_SIGNALS_H

#include "ipc/fault.h"

#include <stdbool.h>

/*
 * The signals of a running safe-run, read from a signalfd(2). A signal that was ignored when
 * safe-run started stays ignored.
 */
struct signals {
	int fd; /* non-blocking */
	/*
	 * Whoever told safe-run to ignore SIGINT or SIGHUP (nohup, a shell's "&") means the run as
	 * well: what acts on them must then be out of the terminal's reach.
	 */
	bool apart;
	unsigned ends; /* how many asked for an end: SIGINT, SIGTERM, SIGHUP, SIGQUIT */
};

struct signals_event {
	int number;
	/*
	 * A key at the terminal: the kernel has sent it to the whole foreground process group, the
	 * launcher included, so passing it on would deliver it twice.
	 */
	bool from_terminal;
	bool asks_end;
};

enum fault_code signals_open(struct signals *signals, struct fault *fault)
	__attribute__((warn_unused_result));
void signals_close(struct signals *signals);

/* The next one; false when there is none now. */
bool signals_next(struct signals *signals, struct signals_event *event);

#endif
