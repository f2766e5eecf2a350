/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_WITNESS_H
#define MONITOR_WITNESS_H

#include "ipc/event.h"
#include "ipc/fault.h"
#include "stages/monitor/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * The launcher's stream: checked, passed on with the monitor's own seq, and read for the facts an
 * outcome is decided from. Its closing record is withheld; the monitor writes its own.
 */
struct witness {
	struct event_writer *writer;
	uint64_t next_seq;	 /* the launcher's */
	uint64_t launch_boot_ns; /* of its last record */
	uint64_t boot_ns;	 /* of the last record passed on or written */
	bool started;
	struct outcome_facts facts;
	struct json_object *cgroup;  /* run.prepared's; NULL until then */
	struct json_object *cleanup; /* the closing record's; NULL until then */
	struct json_object *errors;  /* the closing record's, or compile's */
};

void witness_init(struct witness *witness, struct event_writer *writer);
void witness_release(struct witness *witness);

/*
 * Take one line. What is not a proper next record is remembered in facts.lost, and nothing is taken
 * after it. The fault returned is the monitor's own: the record could not be passed on.
 */
enum fault_code witness_take(struct witness *witness, const char *line, size_t len,
			     struct fault *fault) __attribute__((warn_unused_result));

/* The stream cannot be read: remembered in facts.lost. */
void witness_lose(struct witness *witness, const struct fault *why);

/* Write a record of the monitor's own; takes over payload. */
enum fault_code witness_emit(struct witness *witness, enum event_type type,
			     struct json_object *payload, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
