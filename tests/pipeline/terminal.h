/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PIPELINE_TERMINAL_H
#define PIPELINE_TERMINAL_H

#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

/* A program in a session of its own, on a pseudo-terminal whose other side the test holds. */
struct terminal {
	pid_t pid;
	int fd; /* the master side */
	struct termios original;
	char seen[65536];
	size_t seen_len;
};

void terminal_start(struct terminal *terminal, const char *const argv[]);
/* Read until text has been seen; the test fails after a while. */
void terminal_await(struct terminal *terminal, const char *text);
void terminal_type(struct terminal *terminal, const char *keys);
/* Read to the end and reap; the status as a shell sees it. */
int terminal_finish(struct terminal *terminal);

#endif
