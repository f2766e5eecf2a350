/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_LEDGER_H
#define ARCHIVE_LEDGER_H

#include "ipc/buf.h"
#include "ipc/fault.h"
#include "stages/seal/span.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A file of lines that only ever grows: leaves.jsonl and prunes.jsonl. A line is appended with one
 * write(2) and made durable before the call returns; what a crash leaves behind the last LF was
 * never acknowledged and is cut off by the next writer.
 */
enum ledger_use { LEDGER_READ, LEDGER_WRITE, LEDGER_CREATE };

struct ledger {
	const char *name; /* for faults */
	int fd;		  /* -1: there is no such file */
	uint64_t len;	  /* bytes of whole lines */
	uint64_t torn;	  /* bytes behind the last LF */
};

/* A file that is not there is no fault, and fd -1. After a fault errno still says which. */
enum fault_code ledger_open(struct ledger *ledger, int directory_fd, const char *name,
			    enum ledger_use use, struct fault *fault)
	__attribute__((warn_unused_result));
void ledger_close(struct ledger *ledger);

/* Learn len and torn anew: under the lock, once somebody else may have written. */
enum fault_code ledger_measure(struct ledger *ledger, struct fault *fault)
	__attribute__((warn_unused_result));
/* Cut the torn end off. */
enum fault_code ledger_repair(struct ledger *ledger, struct fault *fault)
	__attribute__((warn_unused_result));
/* line without its LF; durable when this returns. */
enum fault_code ledger_append(struct ledger *ledger, struct span line, struct fault *fault)
	__attribute__((warn_unused_result));

/* Goes over the whole lines from an offset, which must be a line's first byte. */
struct ledger_walk {
	const struct ledger *ledger;
	uint64_t offset; /* of the next line */
	uint64_t read;	 /* bytes of the file that are in the buffer or behind it */
	size_t at;	 /* of the next line in the buffer */
	struct buf buf;
};

void ledger_walk_init(struct ledger_walk *walk, const struct ledger *ledger, uint64_t offset);
void ledger_walk_release(struct ledger_walk *walk);
/* false at the end, and on a fault, which then has a code. The line is valid until the next call.
 */
bool ledger_next(struct ledger_walk *walk, struct span *line, uint64_t *offset, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
