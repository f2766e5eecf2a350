/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_EVENT_H
#define IPC_EVENT_H

#include "ipc/buf.h"
#include "ipc/fault.h"
#include "ipc/record.h"
#include "ipc/runid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * Evidence events as they travel from launch to monitor to seal (seed interface I-EV-001):
 *
 *   {"payload":{...},"runId":"...","seq":0,"stage":"launch","timestamp":"...","type":"compile"}
 *
 * seq counts from 0 without gaps on each pipe. seal adds hashPrev and hashSelf. payload always
 * holds bootNs (decimal string, CLOCK_BOOTTIME, never goes back) and observedBy.
 */
enum event_type {
	EVENT_COMPILE,
	EVENT_RUN_PREPARED,
	EVENT_MOUNT_VALIDATED,
	EVENT_MOUNT_REJECTED,
	EVENT_MOUNT_APPLIED,
	EVENT_NETWORK_PLAN_GENERATED,
	EVENT_NETWORK_RULE_APPLIED,
	EVENT_NETWORK_RULE_HIT,
	EVENT_NETWORK_RULE_RELEASED,
	EVENT_NETWORK_RULE_CLEANUP_FAILED,
	EVENT_VM_STARTED,
	EVENT_RESOURCE_SAMPLED,
	EVENT_OUTPUT_TRUNCATED,
	EVENT_VM_EXITED,
	EVENT_OUTPUTS_COLLECTED,
	EVENT_RUN_CLEANED,
	EVENT_RUN_FAILED,
	EVENT_STAGE_KILLED,
	/* Younger than evidencePlan.events, which recorded bundles have: always told. */
	EVENT_VM_FALLBACK,
	EVENT_TYPE_COUNT,
	EVENT_PLANNED_COUNT = EVENT_VM_FALLBACK
};

enum event_observer {
	EVENT_BY_KERNEL,
	EVENT_BY_LAUNCHER,
	EVENT_BY_MONITOR,
	EVENT_BY_VMM,
	EVENT_BY_GUEST,
	EVENT_BY_WORKLOAD,
	EVENT_BY_SEAL,	    /* seal itself, for what it closes in a lost stage's place */
	EVENT_BY_FRONT_END, /* who reaped a stage */
	EVENT_OBSERVER_COUNT
};

#define EVENT_TIMESTAMP_SIZE sizeof("2026-01-01T00:00:00.000000000Z")
#define EVENT_BOOT_NS_SIZE   21 /* a 64-bit decimal and NUL */

const char *event_type_name(enum event_type type);
/* EVENT_TYPE_COUNT when no type has that name. */
enum event_type event_type_parse(const char *name);
const char *event_observer_name(enum event_observer observer);
bool event_type_closes(enum event_type type); /* run.cleaned or run.failed */

/* CLOCK_REALTIME as RFC 3339 UTC with nanoseconds; CLOCK_BOOTTIME in nanoseconds. */
void event_timestamp_now(char out[EVENT_TIMESTAMP_SIZE]);
uint64_t event_boot_ns(void);
/* The same form for a given time since 1970, to the year 9999. */
void event_timestamp_format(uint64_t seconds, unsigned int nanoseconds,
			    char out[EVENT_TIMESTAMP_SIZE]);
/* Whether text is a valid RFC 3339 UTC time of exactly that form (days of the month included). */
bool event_timestamp_valid(const char *text);

/* Writes one stage's events. */
struct event_writer {
	struct record_sink sink;
	char run_id[RUNID_SIZE];
	const char *stage;
	uint64_t next_seq;
	struct buf held; /* what event_hold left for the next event_emit; freed there */
};

/* Adds bootNs and observedBy to payload, sends the event, releases payload in every case. */
enum fault_code event_emit(struct event_writer *writer, enum event_type type,
			   enum event_observer observer, struct json_object *payload,
			   struct fault *fault) __attribute__((warn_unused_result));

/*
 * As event_emit, but the event travels with the next one, in one write: for two that come within
 * microseconds of each other. Each write wakes two stages. Not for the last event of a stream.
 */
enum fault_code event_hold(struct event_writer *writer, enum event_type type,
			   enum event_observer observer, struct json_object *payload,
			   struct fault *fault) __attribute__((warn_unused_result));

/* One event, parsed. The strings and the payload live as long as root. */
struct event {
	struct json_object *root;
	struct json_object *payload; /* borrowed from root */
	const char *run_id;
	const char *stage;
	const char *timestamp;
	const char *type_name;
	enum event_type type;
	uint64_t seq;
	uint64_t boot_ns;
};

/*
 * Parse one event by the reading rule; unknown type, unknown or missing field, bad syntax and a
 * payload without bootNs or observedBy are faults with the code given.
 */
enum fault_code event_parse(const char *line, size_t len, enum fault_code code, struct event *event,
			    struct fault *fault) __attribute__((warn_unused_result));
void event_release(struct event *event);

#endif
