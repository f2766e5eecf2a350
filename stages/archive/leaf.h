/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_LEAF_H
#define ARCHIVE_LEAF_H

#include "ipc/buf.h"
#include "ipc/event.h"
#include "ipc/fault.h"
#include "stages/archive/retention.h"
#include "stages/seal/digest.h"
#include "stages/seal/key_id.h"
#include "stages/seal/span.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * One line of leaves.jsonl (safe-run-archive(5)): what was archived, when, for how long, and what
 * the verifier said of it. A bundle is a report and the signature over it, when there is one.
 */
#define LEAF_SCHEMA    "safe-run.archive/v1"
#define LEAF_LEN_MAX   4096 /* without the LF; what leaf_write makes stays far below */
#define LEAF_ID_SIZE   (sizeof("sb-") + 2 * (size_t)DIGEST_SIZE)
#define LEAF_WORD_SIZE 48 /* algorithm, result, state, trust */

struct leaf_body {
	uint8_t hash[DIGEST_SIZE]; /* of the file's bytes: its name below bodies/ */
	uint64_t len;
};

struct leaf {
	char bundle_id[LEAF_ID_SIZE]; /* from the hashes of both bodies: leaf_identify */
	char run_id[RUNID_SIZE];
	char stored_at[EVENT_TIMESTAMP_SIZE];
	char retention[RETENTION_SIZE];
	struct leaf_body report;
	char report_digest[DIGEST_TEXT_SIZE]; /* integrity.digest */
	bool is_signed;			      /* there is a signature */
	struct leaf_body signature;
	int64_t exit_code;
	char started_at[EVENT_TIMESTAMP_SIZE];
	char state[LEAF_WORD_SIZE];
	char algorithm[LEAF_WORD_SIZE]; /* what the verifier's answer rests on */
	char result[LEAF_WORD_SIZE];
	char trust[LEAF_WORD_SIZE];
	char keyid[KEY_ID_SIZE]; /* "" unless a trusted key has signed */
	char verified_at[EVENT_TIMESTAMP_SIZE];
};

/* "sb-" and the hash of what makes this bundle: the same bytes are the same bundle. */
void leaf_identify(struct leaf *leaf);
/* Whether text could be a bundle id: nothing else reaches a file name or a query. */
bool leaf_id_valid(const char *text);

/* Append the canonical line, without its LF. */
void leaf_write(const struct leaf *leaf, struct buf *out);
/* Read one line without its LF; the bundle id must be the one its hashes give. */
enum fault_code leaf_read(struct span line, struct leaf *leaf, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
