/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GUEST_PLACE_H
#define GUEST_PLACE_H

#include <stdbool.h>

/*
 * Where the VMM connects to: a unix stream socket for each of the five streams, in one directory.
 * Under QEMU they are called by the stream's name; under Firecracker vsock.sock_<port>, from 5001
 * on, which is how its vsock device finds a host's listener.
 */
enum place_stream {
	PLACE_CONTROL,
	PLACE_STDIN,
	PLACE_STDOUT,
	PLACE_STDERR,
	PLACE_OUTPUTS,
	PLACE_COUNT
};

/* "control" */
const char *place_name(enum place_stream stream);

struct place {
	int listeners[PLACE_COUNT];   /* -1 once the connection that counts is there */
	int connections[PLACE_COUNT]; /* non-blocking; -1 before and after */
};

/*
 * Listen on all five below directory_fd; before confinement. The sockets are the caller's, and
 * only his (mode 0700). 0, or -1 with errno.
 */
int place_listen(struct place *place, int directory_fd, bool firecracker)
	__attribute__((warn_unused_result));

/* A listener is readable: take one connection. The listener stays until place_seal. */
void place_accept(struct place *place, enum place_stream stream);

/* Nobody can connect to what is connected any more. */
void place_seal(struct place *place);

#endif
