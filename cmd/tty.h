/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_TTY_H
#define CMD_TTY_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <termios.h>

/*
 * --tty: a pseudo-terminal of the run's own. The caller's terminal is never handed in: a process
 * that holds it could push keys into it (TIOCSTI). The caller's is put into raw mode, so that keys
 * reach the workload's line discipline, and put back by tty_close.
 */
struct tty {
	int master_fd; /* monitor copies between it and the caller */
	int slave_fd;  /* becomes the workload's terminal */
	int caller_fd; /* the caller's terminal; -1 when there is none */
	bool raw;
	struct termios saved;
};

#define TTY_NONE                                                                                   \
	{                                                                                          \
		.master_fd = -1, .slave_fd = -1, .caller_fd = -1                                   \
	}

enum fault_code tty_open(struct tty *tty, struct fault *fault) __attribute__((warn_unused_result));
/* Raw mode, once the stages run; nothing without a terminal. */
void tty_set_raw(struct tty *tty);
/* Pass the caller's window size on (SIGWINCH). */
void tty_resize(const struct tty *tty);
/* Put the caller's terminal back. May be called again. */
void tty_restore(struct tty *tty);
/* Restore, and close the pair. */
void tty_close(struct tty *tty);

#endif
