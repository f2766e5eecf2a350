/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_STORE_H
#define SEAL_STORE_H

#include "ipc/buf.h"
#include "ipc/fault.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Where the complete events go, one per line: artifacts/events.ndjson, or memory (memfd_create(2))
 * when a report goes to stdout by hand. Written in pieces, read back once for the report.
 */
#define STORE_PIECE ((size_t)64 << 10)

struct store {
	int fd;	      /* borrowed, open for reading and writing */
	bool durable; /* a file: store_sync means something */
	uint64_t len; /* bytes written */
	struct buf pending;
};

void store_init(struct store *store, int fd, bool durable);
void store_release(struct store *store);

/* The caller appends an event to store->pending and ends it here; writes when a piece is full. */
enum fault_code store_end_line(struct store *store, struct fault *fault)
	__attribute__((warn_unused_result));
/* Write what is pending. FAULT_EVIDENCE_EVENT, as from the others. */
enum fault_code store_flush(struct store *store, struct fault *fault)
	__attribute__((warn_unused_result));
/* Write, and have it survive a power cut. */
enum fault_code store_sync(struct store *store, struct fault *fault)
	__attribute__((warn_unused_result));
/* Have what was written survive a power cut. */
enum fault_code store_settle(const struct store *store, struct fault *fault)
	__attribute__((warn_unused_result));
/*
 * Read up to size bytes at offset, less at the end of what was written. 0 bytes only there: a
 * file that has shrunk meanwhile is a fault.
 */
enum fault_code store_read(const struct store *store, uint64_t offset, char *out, size_t size,
			   size_t *len, struct fault *fault) __attribute__((warn_unused_result));

#endif
