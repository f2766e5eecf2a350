/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/egress/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE  ((size_t)65536) /* what a pipe holds unless it was made larger */
#define ROUNDS 16	       /* then the others have their turn */
#define FLAGS  (SPLICE_F_MOVE | SPLICE_F_NONBLOCK)

int pump_open(struct pump *pump)
{
	return pump->ends[0] >= 0 ? 0 : pipe2(pump->ends, O_CLOEXEC | O_NONBLOCK);
}

void pump_close(struct pump *pump)
{
	for (int i = 0; i < 2; i++) {
		if (pump->ends[i] >= 0)
			close(pump->ends[i]);
		pump->ends[i] = -1;
	}
}

static bool passing(int error_number)
{
	return error_number == EAGAIN || error_number == EINTR;
}

static int fill(struct pump *pump, int from)
{
	ssize_t len;

	if (pump->at_end || pump->held > 0)
		return 0;
	len = splice(from, NULL, pump->ends[1], NULL, PIECE, FLAGS);
	if (len < 0)
		return passing(errno) ? 0 : -1;
	pump->at_end = len == 0;
	pump->held += (size_t)len;
	return 0;
}

static int drain(struct pump *pump, int to, uint64_t *bytes)
{
	while (pump->held > 0) {
		const ssize_t len = splice(pump->ends[0], NULL, to, NULL, pump->held, FLAGS);

		if (len <= 0)
			return len < 0 && passing(errno) ? 0 : -1;
		pump->held -= (size_t)len;
		*bytes += (uint64_t)len;
	}
	return 0;
}

int pump_step(struct pump *pump, int from, int to, uint64_t *bytes)
{
	for (int i = 0; i < ROUNDS && !pump->shut; i++) {
		if (fill(pump, from) < 0)
			return -1;
		if (pump->held == 0)
			break;
		if (drain(pump, to, bytes) < 0)
			return -1;
		if (pump->held > 0)
			break;
	}
	if (pump->at_end && pump->held == 0 && !pump->shut) {
		pump->shut = true;
		/* A side that is gone already is found out when it is written to or read. */
		if (shutdown(to, SHUT_WR) < 0 && errno != ENOTCONN)
			return -1;
	}
	return 0;
}

bool pump_wants_input(const struct pump *pump)
{
	return !pump->at_end && pump->held == 0;
}

bool pump_wants_output(const struct pump *pump)
{
	return pump->held > 0;
}
