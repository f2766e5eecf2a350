/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_TAMPER_H
#define SUPPORT_TAMPER_H

#include "ipc/buf.h"

#include <stddef.h>

/* Working on the report of evidence_finished, as somebody with an editor and a hash tool can. */
#define TAMPER_STEPS_MAX 10

enum tamper_recompute {
	TAMPER_AS_IT_IS,
	TAMPER_DIGEST, /* the report's digest is computed again */
	TAMPER_ALL,    /* everything that needs no key is */
};

/* Replace the nth find, or, with find NULL, do to event nth what replace says. */
struct tamper_step {
	const char *find, *replace;
	int nth;
};

#define TAMPER_EVENT(operation, number)                                                            \
	{                                                                                          \
		NULL, (operation), (number)                                                        \
	}
#define TAMPER_EACH (-1)

struct tamper {
	const char *name;
	struct tamper_step steps[TAMPER_STEPS_MAX];
	enum tamper_recompute recompute;
	const char *result;
	const char *code;  /* one of the reasons has it, */
	const char *place; /* and this path */
};

void tamper_with(struct buf *report, const struct tamper *tamper);

/* The nth event of a report: where it starts, and its length. */
char *tamper_find_event(const struct buf *report, int nth, size_t *len);
/* Change the first digit of the hash behind name, at offset or later. */
void tamper_spoil(struct buf *report, size_t offset, const char *name);

#endif
