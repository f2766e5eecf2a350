/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_WIRES_H
#define CMD_WIRES_H

#include "cmd/rundir.h"
#include "ipc/fault.h"

/*
 * The descriptors a pipeline is built from: pipes between the stages, the files that keep exact
 * copies, the caller's standard three. All are close-on-exec; a stage is given the few it has a
 * part in, and the front-end closes all but the ends it takes.
 */
enum wire {
	WIRE_CHECKED,
	WIRE_BUNDLE,
	WIRE_EVENTS,
	WIRE_WITNESSED,
	WIRE_SEALED,
	WIRE_INPUT,
	WIRE_OUTPUT,
	WIRE_ERRORS,
	WIRE_CONTROL,
	WIRE_NOTICE,
	WIRE_GO,
	WIRE_COUNT
};

enum copy {
	COPY_VALIDATE,
	COPY_COMPILE,
	COPY_LAUNCH,
	COPY_MONITOR,
	COPY_STDOUT,
	COPY_STDERR,
	COPY_COUNT
};

struct wires {
	struct {
		int from;
		int into;
	} pipes[WIRE_COUNT];
	int copies[COPY_COUNT];
	int caller[3]; /* the caller's 0, 1, 2 under numbers a stage can keep */
};

/* Open everything. After a fault wires_close is due as well. */
enum fault_code wires_open(struct wires *wires, const struct rundir *rundir, struct fault *fault)
	__attribute__((warn_unused_result));
void wires_close(struct wires *wires);

/* Both ends of one: those it joins have theirs, and the end of what comes through it is to be seen. */
void wires_hand_over(struct wires *wires, enum wire wire);

/* The end a stage reads from; the end it writes into. */
int wires_from(const struct wires *wires, enum wire wire);
int wires_into(const struct wires *wires, enum wire wire);

/* The same for the front-end itself: it keeps that end, and closes it. */
int wires_take_from(struct wires *wires, enum wire wire);
int wires_take_into(struct wires *wires, enum wire wire);

#endif
