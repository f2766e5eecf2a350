/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIGNER_REQUEST_H
#define SIGNER_REQUEST_H

#include "ipc/fault.h"
#include "ipc/runid.h"
#include "stages/seal/key_id.h"
#include "stages/seal/signature.h" /* SIGNATURE_MAX alone */
#include "stages/seal/statement.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * One request for a signature. What is signed is never a stranger's bytes as they are but the PAE
 * of a statement about a run report, read and found whole, that says of this key what is true of
 * it: so nothing signed here means anything else anywhere.
 */
#define REQUEST_MAX (STATEMENT_MAX + 1) /* with its LF */

struct request_key {
	const char *algorithm; /* key_algorithm_name */
	const char *keyid;
	const char *where; /* SIGNER_WHERE_* */
	/* Signs with secret; false when there is no signature. */
	bool (*sign)(const void *secret, const void *data, size_t len, uint8_t out[SIGNATURE_MAX],
		     size_t *out_len);
	const void *secret;
};

/* {"algorithm","keyid","schemaVersion","where"}; the caller's. */
struct json_object *request_greeting(const struct request_key *key);

/* What a log says of a signature. */
struct request_signed {
	char run_id[RUNID_SIZE];
	char report_sha256[STATEMENT_HEX_SIZE];
};

/* packet is a record of len bytes with its LF. *answer is {"signature"}, the caller's. */
enum fault_code request_sign(const struct request_key *key, const char *packet, size_t len,
			     struct json_object **answer, struct request_signed *done,
			     struct fault *fault) __attribute__((warn_unused_result));

/* {"errors":[fault]}; the caller's. */
struct json_object *request_refusal(const struct fault *fault);

#endif
