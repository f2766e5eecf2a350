/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_FORWARD_H
#define SEAL_FORWARD_H

#include "ipc/fault.h"
#include "ipc/runid.h"
#include "stages/seal/ratchet.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * forward.json in the artifacts directory: the ratchet's aggregate, replaced as the run goes on
 * (sr-seal(1), "FORWARD SEAL"). Canonical JSON without a final newline:
 *   {"aggregate":"sha256:...","closed":false,"count":7,"runId":"...",
 *    "schemaVersion":"safe-run.forward/v1","settled":{"aggregate":"sha256:...","count":3}}
 * settled is the last state that was on the disk behind its events, null before there is one: what
 * is left to check by when a power cut keeps this file and takes the newest events.
 */
#define FORWARD_FILE	   "forward.json"
#define FORWARD_PARTIAL	   ".forward.json.partial"
#define FORWARD_SCHEMA	   "safe-run.forward/v1"
#define FORWARD_KEY_SCHEMA "safe-run.forward-key/v1"
#define FORWARD_MAX	   1024 /* bytes of this file, and of a key's */

struct forward {
	struct ratchet ratchet;
	int directory_fd; /* borrowed */
	char run_id[RUNID_SIZE];
	bool stored; /* something is */
	bool closed;
	uint64_t stored_count;
	bool settled;
	uint64_t settled_count;
	char settled_aggregate[DIGEST_TEXT_SIZE];
};

/* Reads the key from fd, exactly RATCHET_KEY_SIZE bytes, and closes it. SR-EVD-309, as below. */
enum fault_code forward_start(struct forward *forward, int key_fd, int directory_fd,
			      const char *run_id, struct fault *fault)
	__attribute__((warn_unused_result));
void forward_take(struct forward *forward, const void *event, size_t len);
/* Replace the file when there is something new: enough should this process be killed. */
enum fault_code forward_store(struct forward *forward, struct fault *fault)
	__attribute__((warn_unused_result));
/* The same for a power cut. The events are on the disk already. */
enum fault_code forward_settle(struct forward *forward, struct fault *fault)
	__attribute__((warn_unused_result));
/* No event comes any more. Durable, and the last key is gone. */
enum fault_code forward_close(struct forward *forward, struct fault *fault)
	__attribute__((warn_unused_result));
void forward_release(struct forward *forward);

#endif
