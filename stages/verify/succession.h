/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_SUCCESSION_H
#define VERIFY_SUCCESSION_H

#include "stages/seal/span.h"
#include "stages/seal/statement.h"
#include "stages/verify/verdict.h"

/* Which run came before: the check "prev" (safe-run-report(5), THE CHAIN OF RUNS). */

/* prev: the bytes of the bundle that is said to be the one before. */
void succession_check_prev(const struct statement *statement, struct span prev,
			   struct verdict *verdict);

/*
 * chain: the bytes of chain.ndjson. The run stands in it once, with this bundle, and behind the run
 * its statement names.
 */
void succession_check_chain(const struct statement *statement, struct span bundle,
			    struct span chain, struct verdict *verdict);

#endif
