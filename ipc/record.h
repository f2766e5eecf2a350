/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_RECORD_H
#define IPC_RECORD_H

#include "ipc/buf.h"
#include "ipc/fault.h"

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/*
 * Records on pipes: one canonical JSON object on one line ending in LF (safe-run-ipc(7)).
 * Caps: RECORD_EVENT_MAX for an event, RECORD_BUNDLE_MAX for a validation result or bundle.
 */
#define RECORD_EVENT_MAX  ((size_t)1 << 20)
#define RECORD_BUNDLE_MAX ((size_t)16 << 20)

/* Reads lines from fd, which it does not own. The buffer grows to the cap, never beyond. */
struct record_reader {
	int fd;
	size_t line_max; /* without the LF */
	size_t start;	 /* first byte not handed out yet */
	size_t scanned;	 /* bytes before this hold no LF */
	bool at_eof;
	struct buf buf;
};

enum record_status {
	RECORD_LINE,  /* *line, *len are a whole line without its LF; valid until the next call */
	RECORD_END,   /* end of file on a record boundary */
	RECORD_AGAIN, /* a non-blocking fd, or one poll, has no whole line yet */
	RECORD_FAULT, /* line over the cap, bytes after the last LF, or a read error */
};

void record_reader_init(struct record_reader *reader, int fd, size_t line_max);
void record_reader_release(struct record_reader *reader);

/* Next line; blocks as the fd does. code is the registry code a fault gets. */
enum record_status record_read(struct record_reader *reader, const char **line, size_t *len,
			       enum fault_code code, struct fault *fault);

/*
 * As record_read, but at most one read(2): for poll loops. Call again while it gives RECORD_LINE;
 * RECORD_AGAIN means poll again.
 */
enum record_status record_read_once(struct record_reader *reader, const char **line, size_t *len,
				    enum fault_code code, struct fault *fault);

/*
 * Where a stage's records go: fd, and a copy to record_fd when that is not -1 (the run directory's
 * exact copy of this stage's output). Neither is owned. A copy that cannot be written is a fault as
 * much as the pipe itself: evidence is not optional.
 */
struct record_sink {
	int fd;
	int record_fd;
};

/* Write value as one record. Does not consume value. FAULT_EVIDENCE_EVENT when it cannot. */
enum fault_code record_send(const struct record_sink *sink, struct json_object *value,
			    size_t line_max, struct fault *fault)
	__attribute__((warn_unused_result));

/* The line of one record, LF included, in an empty buf whose cap is the line's without it. */
enum fault_code record_format(struct json_object *value, struct buf *line, struct fault *fault)
	__attribute__((warn_unused_result));

/* Write whole lines, LF included, that were formatted before. */
enum fault_code record_send_lines(const struct record_sink *sink, const char *data, size_t len,
				  struct fault *fault) __attribute__((warn_unused_result));

/* Write a line that is canonical already (no LF in it; one is added). */
enum fault_code record_send_line(const struct record_sink *sink, const char *line, size_t len,
				 struct fault *fault) __attribute__((warn_unused_result));

/* write(2) until all is out; 0, or -1 with errno. */
int record_write_all(int fd, const void *data, size_t len) __attribute__((warn_unused_result));

#endif
