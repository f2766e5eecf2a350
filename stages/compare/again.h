/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPARE_AGAIN_H
#define COMPARE_AGAIN_H

#include "stages/compare/answer.h"
#include "stages/seal/span.h"

/*
 * Whether a run can be carried out again with the same inputs, and whether it came to the same.
 * All texts have passed canon_check.
 */

/*
 * bundle: what sr-compile planned; report: what became of it. Refuses, naming the policy's field,
 * what has an input that no digest holds: network, mounts, bytes on standard input.
 */
void again_check_inputs(struct span bundle, struct span report, struct answer *answer);

/* Exit, outcome and output of two reports; refuses when they were not given the same. */
void again_compare(struct span recorded, struct span replayed, struct answer *answer);

#endif
