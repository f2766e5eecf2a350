/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EGRESS_PUMP_H
#define EGRESS_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One direction of a connection: from one socket to another through a pipe (splice(2)), without
 * looking at what it is. It takes no more while the other side does not take what there is, and
 * passes the end of one side on as the end of the other.
 */
struct pump {
	int ends[2]; /* of the pipe; -1 until pump_open */
	size_t held; /* bytes in it */
	bool at_end; /* from has ended */
	bool shut;   /* and to knows */
};

#define PUMP_NONE                                                                                  \
	{                                                                                          \
		.ends = { -1, -1 }                                                                 \
	}

int pump_open(struct pump *pump) __attribute__((warn_unused_result)); /* 0, or -1 with errno */
void pump_close(struct pump *pump);

/* Move what can be moved without waiting; *bytes grows by what reached to. -1: broken, errno. */
int pump_step(struct pump *pump, int from, int to, uint64_t *bytes)
	__attribute__((warn_unused_result));

bool pump_wants_input(const struct pump *pump);
bool pump_wants_output(const struct pump *pump);

#endif
