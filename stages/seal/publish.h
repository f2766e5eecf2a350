/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_PUBLISH_H
#define SEAL_PUBLISH_H

#include "ipc/fault.h"
#include "stages/seal/chain.h"
#include "stages/seal/endorse.h"
#include "stages/seal/facts.h"
#include "stages/seal/store.h"

/* Names in the artifacts directory. */
#define PUBLISH_EVENTS	"events.ndjson"
#define PUBLISH_REPORT	"run_report.json"
#define PUBLISH_PARTIAL ".run_report.json.partial"

/* What a report is made of. Everything is borrowed; the store has been flushed. */
struct publication {
	const struct facts *facts;
	const struct chain *chain;
	const struct store *store;
	struct endorse *endorse; /* NULL: nobody signs */
};

/* Write the report to fd in one pass. digest is integrity.digest. FAULT_EVIDENCE_REPORT. */
enum fault_code publish_to_fd(const struct publication *publication, int fd,
			      char digest[DIGEST_TEXT_SIZE], struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Write it as PUBLISH_REPORT in a directory: whole and on the disk, or not at all under that name.
 * A report that is there already is never replaced. Its bundle, when somebody signs, takes its name
 * first: where there is a report, its signature is there, or endorse->fault says why not.
 */
enum fault_code publish_to_directory(const struct publication *publication, int directory_fd,
				     char digest[DIGEST_TEXT_SIZE], struct fault *fault)
	__attribute__((warn_unused_result));

#endif
