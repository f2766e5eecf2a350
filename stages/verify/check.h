/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_CHECK_H
#define VERIFY_CHECK_H

#include "stages/seal/span.h"
#include "stages/verify/verdict.h"

/*
 * Every check of a report that needs no key (safe-run-report(5), VERIFYING). Pure: bytes in,
 * verdict out. Neither needs more memory for more events.
 */
void check_report(struct span text, struct verdict *verdict);

/* The events of a run that has no report: never more than incomplete. */
void check_event_lines(struct span text, struct verdict *verdict);

#endif
