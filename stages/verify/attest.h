/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_ATTEST_H
#define VERIFY_ATTEST_H

#include "stages/seal/span.h"
#include "stages/verify/keyring.h"
#include "stages/verify/logged.h"
#include "stages/verify/side_file.h"
#include "stages/verify/verdict.h"

#include <stdbool.h>

/*
 * Who says so: the checks of a report that look beyond it, at the bundle beside it, the keys the
 * verifier was given, the run before and the chain of runs. A bundle that is there and bad makes a
 * report invalid, whoever verifies; one by a key nobody here knows leaves it at trust=self. A log
 * proof is only ever there because the verifier named it: it must hold, whoever's key it is.
 */
struct attest {
	struct side_file bundle; /* each fd -1: none */
	struct side_file prev;	 /* the bundle of the run before */
	struct side_file chain;	 /* chain.ndjson */
	struct logged log;	 /* an archive's proof */
	struct keyring keys;
	const char *challenge;	 /* NULL: none is asked for */
	bool signature_asked;	 /* --require signed, or a key on the command line */
	bool log_asked;		 /* --require logged */
	struct fault open_fault; /* of any of these */
};

#define ATTEST_CHAIN_MAX ((size_t)64 << 20)

/*
 * Confined, after check_report. report: its bytes, canonical; an empty span when they are not, and
 * then only what was asked for counts as missing.
 */
void attest_check(struct attest *attest, struct span report, struct verdict *verdict);
void attest_release(struct attest *attest);

#endif
