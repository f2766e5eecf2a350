/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_LINEAGE_H
#define SEAL_LINEAGE_H

#include "ipc/fault.h"
#include "ipc/runid.h"
#include "stages/seal/digest.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The signed runs of one base directory in the order they were signed: chain.ndjson, one canonical
 * line {"bundleDigest":"sha256:...","runId":"..."} each (safe-run-report(5), THE CHAIN OF RUNS).
 * The last line is the next statement's prev.
 *
 * A line is appended and on the disk before its bundle takes its name. So a crash at any point
 * leaves at most a line without a bundle, which whoever walks the chain sees as a run that is
 * missing, and never a bundle the chain does not know, behind which it could fork. A line cut short
 * was never followed by a bundle: the next run takes it away.
 */
#define LINEAGE_LINE_MAX 256 /* of one line, with its LF */

struct lineage_entry {
	char bundle_digest[DIGEST_TEXT_SIZE];
	char run_id[RUNID_SIZE];
};

/*
 * fd is open for reading and appending. Waits for the lock, which lives until fd is closed or
 * lineage_unlock; known is false for the first run. SR-EVD-304, path "seal.chain".
 */
enum fault_code lineage_lock(int fd, struct lineage_entry *last, bool *known, struct fault *fault)
	__attribute__((warn_unused_result));
/* Append; *start is where the file ended. */
enum fault_code lineage_append(int fd, const struct lineage_entry *entry, int64_t *start,
			       struct fault *fault) __attribute__((warn_unused_result));
/* Have it survive a power cut: before the bundle takes its name. */
enum fault_code lineage_settle(int fd, struct fault *fault) __attribute__((warn_unused_result));
/* Take the line back that lineage_append wrote, with the lock still held. */
void lineage_retract(int fd, int64_t start);
void lineage_unlock(int fd);

#endif
