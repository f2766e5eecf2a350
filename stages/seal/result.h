/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_RESULT_H
#define SEAL_RESULT_H

#include "ipc/fault.h"
#include "ipc/record.h"
#include "stages/seal/endorse.h"
#include "stages/seal/stream.h"

/*
 * SealResult, the one record the front-end gets: {errors, exitCode, outcome, reportDigest,
 * resourceUsage, runId, signature, state, verdict}. With faults of seal's own there is no report:
 * exitCode is 125, reportDigest null, and the outcome says so.
 */

/* Add fault, and SR-EVD-002 behind it when fault is about an event only. */
void result_explain(struct fault_list *faults, const struct fault *fault);

/*
 * digest: integrity.digest of the report. signature is what endorse came to: {bundleDigest, keyid},
 * a fault, or null when nobody asked.
 */
enum fault_code result_send(const struct record_sink *sink, const struct stream *stream,
			    const struct endorse *endorse, const char *digest,
			    const struct fault_list *faults, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
