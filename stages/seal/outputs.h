/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_OUTPUTS_H
#define SEAL_OUTPUTS_H

#include "ipc/buf.h"
#include "ipc/fault.h"
#include "stages/seal/span.h"

#include <stdbool.h>

/*
 * The event outputs.collected and the report's member outputs, which is its payload without the
 * members every payload has (safe-run-report(5)).
 */

/* What its shape cannot say: names of statuses, sums, and a manifest where there are files. */
enum fault_code outputs_check(struct span payload, enum fault_code code, struct fault *fault)
	__attribute__((warn_unused_result));

/* Append the report's value. */
void outputs_value(struct span payload, struct buf *out);

/* Whether an output the policy asked for is not all there: then no run is cleaned. */
bool outputs_incomplete(struct span payload);

#endif
