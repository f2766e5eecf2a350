/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_RELAY_H
#define MONITOR_RELAY_H

#include "ipc/fault.h"
#include "stages/monitor/endpoint.h"
#include "stages/monitor/pollset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct digest;
struct json_object;

/*
 * One output stream of the workload: read, hashed whole, written to the log and to the caller up to
 * the limit both streams share. A caller that reads slowly holds up the workload, through the pipe,
 * and nobody else.
 */
enum relay_truncation {
	RELAY_WHOLE,
	RELAY_LIMIT,	     /* resources.output.max is used up: hashed, no longer kept */
	RELAY_CALLER_CLOSED, /* the caller's end is gone: the workload's end is closed too */
	RELAY_CALLER_FAILED, /* the caller's end is there and fails; as above */
	RELAY_FILE,	     /* the log cannot be written */
};

/* What may still be kept of all output together. */
struct relay_budget {
	uint64_t max; /* UINT64_MAX: no limit */
	uint64_t used;
};

struct relay {
	const char *name; /* "stdout", "stderr" */
	int source_fd;	  /* the workload's end; -1 once it has ended */
	int log_fd;	  /* -1: none */
	struct endpoint copy;
	struct relay_budget *budget;
	struct digest *digest;
	uint64_t bytes;	 /* read, and so hashed */
	uint64_t logged; /* written to the log */
	enum relay_truncation truncation;
	bool captured;	/* there was a source */
	bool abandoned; /* left while something still held the other end */
	int log_errno;
	int copy_errno; /* why the caller's end takes nothing; 0: it does, or is gone */
	char *data;	/* RELAY_BUFFER_SIZE; what is not yet copied is data[done..len) */
	size_t len;
	size_t done;
	nfds_t source_place;
	nfds_t copy_place;
};

#define RELAY_BUFFER_SIZE ((size_t)256 << 10)

/* source_fd and log_fd may be -1. Takes over both and copy. */
void relay_init(struct relay *relay, const char *name, struct relay_budget *budget, int source_fd,
		int log_fd, struct endpoint copy);
void relay_release(struct relay *relay);

void relay_wait(struct relay *relay, struct pollset *set);
void relay_run(struct relay *relay, const struct pollset *set);

/* Nothing left to read or to hand on. */
bool relay_done(const struct relay *relay);
/* Waits for more from the workload, and nothing has come. */
bool relay_idle(const struct relay *relay, const struct pollset *set);
/* Stop reading. */
void relay_abandon(struct relay *relay);

/* A new {"bytes","loggedBytes","sha256","truncated"}, or NULL when nothing was captured. */
struct json_object *relay_to_json(const struct relay *relay);
/* A new output.truncated payload {"limitBytes","reason","stream"}. */
struct json_object *relay_truncation_to_json(const struct relay *relay);

#endif
