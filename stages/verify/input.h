/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_INPUT_H
#define VERIFY_INPUT_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What somebody hands to the verifier. It is opened once, before confinement, following no link and
 * waiting for no writer, and read once, whole, after it: every check looks at the same bytes.
 */
#define INPUT_LEN_MAX ((size_t)64 << 20)

enum input_kind {
	INPUT_REPORT, /* run_report.json */
	INPUT_EVENTS, /* events.ndjson of a run directory that has no report */
	INPUT_ALIEN,  /* neither, whoever looks: a link, a FIFO, a device, too long, empty directory
		       */
	INPUT_FAILED, /* the system did not give it */
};

struct input {
	int fd; /* -1 unless kind is INPUT_REPORT or INPUT_EVENTS */
	enum input_kind kind;
	char *data; /* owned */
	size_t len;
};

/* path: a report, a run directory, or its artifacts directory. The fault says why not. */
void input_open(struct input *input, const char *path, struct fault *fault);
/* A report that is open already, at its start; fd is the input's from now on. */
void input_take(struct input *input, int fd, struct fault *fault);
/* Read it whole; on a fault kind becomes INPUT_ALIEN or INPUT_FAILED. */
void input_read(struct input *input, struct fault *fault);
void input_release(struct input *input);

#endif
