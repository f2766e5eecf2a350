/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_FACTS_H
#define SEAL_FACTS_H

#include "ipc/buf.h"
#include "ipc/event.h"
#include "ipc/fault.h"
#include "ipc/runid.h"
#include "stages/seal/ending.h"
#include "stages/seal/head.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What a report says beside its events, gathered from them one by one: the same code for seal,
 * which writes it, and for verify, which derives it again and compares. Memory does not grow with
 * the number of events. Texts are canonical JSON, copied from the events.
 */
#define FACTS_UNKNOWN	  (-1)		      /* a counter no event has shown */
#define FACTS_REASONS_MAX ((size_t)256 << 10) /* text of all mount.rejected reasons together */

struct facts {
	uint64_t count; /* events taken */
	uint64_t boot_ns;
	char run_id[RUNID_SIZE];
	char started_at[EVENT_TIMESTAMP_SIZE];
	char finished_at[EVENT_TIMESTAMP_SIZE];
	bool prepared, started, fell_back, closed;
	bool outputs_incomplete; /* something the policy asked for was not collected */
	struct ending ending;	 /* of vm.exited and what else decides the outcome */

	struct buf artifacts, policy_summary; /* of compile */
	struct buf enforcement, executable;   /* of run.prepared */
	struct buf outputs;		      /* of outputs.collected, as the report has it */
	struct buf closing;		      /* the closing event's whole payload */
	struct buf mount_reasons;	      /* "a","b": the inside of an array */

	int64_t cpu_usage_us, memory_peak_bytes, pids_peak, wall_ms;
	uint64_t samples;
	uint64_t mounts_validated, mounts_rejected;
	uint64_t mounts_accepted; /* bits, by index: those of mounts_validated */
	uint64_t rules_applied, hits_allowed, hits_blocked;
};

void facts_init(struct facts *facts);
void facts_release(struct facts *facts);

/* The counters of one resource.sampled event. */
struct facts_sample {
	int64_t cpu_usage_us, memory_current_bytes, memory_peak_bytes, pids_current, pids_peak;
};

/* The first half of facts_admit: whether event may stand here, whatever it holds. */
enum fault_code facts_order(const struct facts *facts, const struct head *event,
			    enum fault_code code, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Whether event may come next: it continues the count, belongs to the run, does not go back in
 * time, stands where its type may stand and holds what its type must. Changes nothing; sample is
 * what facts_take needs of it.
 */
enum fault_code facts_admit(const struct facts *facts, const struct head *event,
			    enum fault_code code, struct facts_sample *sample, struct fault *fault)
	__attribute__((warn_unused_result));

/* Take an event that facts_admit accepts. */
void facts_take(struct facts *facts, const struct head *event, const struct facts_sample *sample);

/* Go on behind an event that facts_admit refuses, to judge the ones behind it by themselves. */
void facts_skip(struct facts *facts, const struct head *event);

#endif
