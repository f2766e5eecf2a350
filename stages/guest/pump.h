/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GUEST_PUMP_H
#define GUEST_PUMP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Raw bytes from one descriptor to another through PUMP_SIZE bytes of memory: who reads slowly
 * slows down who writes. Neither descriptor is owned.
 */
#define PUMP_SIZE  65536
#define PUMP_WRITE 4096 /* poll(2) promises a pipe room for PIPE_BUF bytes, no more */

struct pump {
	int from, to; /* -1: at its end; nobody to write to */
	size_t start, len;
	uint64_t bytes; /* written */
	bool to_ours;	/* a socket of ours, non-blocking: any size */
	char data[PUMP_SIZE];
};

/* What it waits for. */
void pump_items(const struct pump *pump, struct pollfd *from, struct pollfd *to);

/* One turn. from becomes -1 at end of file, to when nobody reads there any more. */
void pump_turn(struct pump *pump, const struct pollfd *from, const struct pollfd *to);

/* Nothing more can come, and nothing is left to write. */
bool pump_empty(const struct pump *pump);

#endif
