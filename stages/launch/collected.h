/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_COLLECTED_H
#define LAUNCH_COLLECTED_H

#include "ipc/fault.h"
#include "stages/launch/plan.h"
#include "stages/seal/digest.h"

#include <stdbool.h>
#include <stdint.h>

struct json_object;

/*
 * What sr-collect says it saw and sr-deposit that it kept (safe-run-ipc(7), CollectResult and
 * DepositResult): read field by field, for both have handled what a hostile program left, and held
 * against each other.
 */
#define COLLECTED_STATUS_SIZE 16

struct collected_output {
	int64_t bytes, entries, files, refused;
	char status[COLLECTED_STATUS_SIZE];
};

struct collected {
	struct collected_output outputs[PLAN_OUTPUT_MAX];
	char manifest_hash[DIGEST_TEXT_SIZE]; /* "" without one */
	struct json_object *reasons;	      /* [{"output","path","reason"}] */
};

/* Nothing yet: "failed", or "not-captured" for a run by hand. */
void collected_init(struct collected *collected, const struct plan *plan, bool captured);
void collected_release(struct collected *collected);

/* Both records into *collected. */
enum fault_code collected_read(struct collected *collected, const struct plan *plan,
			       struct json_object *seen, struct json_object *kept,
			       struct fault *fault) __attribute__((warn_unused_result));

/* Back to nothing, every output "failed". */
void collected_fail(struct collected *collected, const struct plan *plan);

/* The event's payload; the caller owns it. */
struct json_object *collected_payload(const struct collected *collected, const struct plan *plan,
				      bool captured);

/*
 * SR-RUN-001 for each output that is not all there, the first in *fault and the others in a new
 * array *more. why is the fault of a collection that failed altogether, and then the first.
 */
enum fault_code collected_errors(const struct collected *collected, const struct plan *plan,
				 const struct fault *why, struct json_object **more,
				 struct fault *fault) __attribute__((warn_unused_result));

#endif
