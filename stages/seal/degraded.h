/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_DEGRADED_H
#define SEAL_DEGRADED_H

#include "ipc/buf.h"
#include "ipc/fault.h"
#include "stages/seal/head.h"

/*
 * One verdict per run over run.prepared's enforcement[]: "enforced" when every entry is, else
 * "degraded", with the clauses that are not. Only --best-effort may run degraded.
 */

/* The clauses that are not enforced, as a canonical array of strings, in the order of the entries.
 */
void degraded_list(struct span enforcement, struct buf *out);

/* "enforced", "degraded", or null when there is no enforcement: the run was never prepared. */
void degraded_verdict(struct span enforcement, struct buf *out);

/*
 * Whether a run.prepared event's entries can be judged, the verdict and the list it gives itself,
 * where it does, are those, and best effort was asked for where it needs to be.
 */
enum fault_code degraded_check(const struct head *event, enum fault_code code, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
