/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_ENDPOINT_H
#define MONITOR_ENDPOINT_H

#include <stddef.h>
#include <sys/types.h>

/*
 * A descriptor of the caller's, used without ever waiting in it. O_NONBLOCK must not be set on it:
 * the flag belongs to the open file description, which the caller's shell and its other children
 * share. A pipe or terminal is opened anew instead (/proc/self/fd), which gives a description of
 * our own. Where that is refused, and for sockets, no more is written at once than poll(2)
 * promises.
 */
enum endpoint_kind {
	ENDPOINT_NONE,
	ENDPOINT_STEADY,  /* a file or /dev/null: takes what it gets */
	ENDPOINT_OWN,	  /* opened anew, non-blocking */
	ENDPOINT_CAREFUL, /* at most ENDPOINT_CAREFUL_MAX after POLLOUT */
};

#define ENDPOINT_CAREFUL_MAX 4096 /* PIPE_BUF: POLLOUT on a pipe means this much room (pipe(7)) */

struct endpoint {
	enum endpoint_kind kind;
	int fd; /* -1 when ENDPOINT_NONE */
};

/* Before confinement. access is O_RDONLY or O_WRONLY; fd -1 gives ENDPOINT_NONE. */
struct endpoint endpoint_open(int fd, int access);

/* write(2) of as much as goes without waiting; 0 when nothing does now, -1 with errno. */
ssize_t endpoint_write(const struct endpoint *endpoint, const void *data, size_t len);

void endpoint_close(struct endpoint *endpoint);

#endif
