/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_STATEMENT_H
#define SEAL_STATEMENT_H

#include "ipc/buf.h"
#include "ipc/fault.h"
#include "stages/seal/digest.h"
#include "stages/seal/span.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What is signed of a run: an in-toto Statement v1
 * (https://github.com/in-toto/attestation/tree/main/spec/v1) whose one subject is the report file.
 * Canonical JSON, so a statement has one spelling, and reading what was written gives it back.
 */
#define STATEMENT_TYPE	    "https://in-toto.io/Statement/v1"
#define STATEMENT_PREDICATE "https://safe-run.dev/run-report/v1"
#define STATEMENT_SUBJECT   "run_report.json"
#define STATEMENT_MAX	    ((size_t)16 << 10) /* of its text; 1.5 KiB is usual */
#define STATEMENT_HEX_SIZE  (2 * DIGEST_SIZE + 1)

/* The members of the predicate in canonical order, and behind them the subject's digest. */
enum statement_field {
	STATEMENT_ARTIFACTS,
	STATEMENT_CHAIN_HEAD,
	STATEMENT_EVENT_COUNT,
	STATEMENT_EXIT_CODE,
	STATEMENT_FINISHED_AT,
	STATEMENT_MERKLE_ROOT,
	STATEMENT_PREV,	  /* null, or {"bundleDigest","runId"} of the run before */
	STATEMENT_REPORT, /* reportDigest: integrity.digest */
	STATEMENT_RUN_ID,
	STATEMENT_SIGNER, /* {"keyid","where"}: where the key lives, as its holder says */
	STATEMENT_STARTED_AT,
	STATEMENT_SHA256, /* of the report's bytes: 64 hex in quotes */
	STATEMENT_FIELD_COUNT
};

/* Canonical values, borrowed, strings with their quotes. */
struct statement {
	struct span fields[STATEMENT_FIELD_COUNT];
};

const char *statement_field_name(enum statement_field field);

void statement_write(const struct statement *statement, struct buf *out);

/* text has passed canon_check. Refuses, with the code given, any other shape, type or version. */
enum fault_code statement_read(struct span text, enum fault_code code, struct statement *statement,
			       struct fault *fault) __attribute__((warn_unused_result));

#endif
