/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/signer/request.h"

#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/seal/base64.h"
#include "stages/seal/dsse.h"
#include "stages/signer/protocol.h"

#include <string.h>

static const char place[] = "signer.request";

static enum fault_code refuse(struct fault *fault, const char *why)
{
	return fault_set(fault, FAULT_REPORT_SIGNATURE, place, "%s", why);
}

struct json_object *request_greeting(const struct request_key *key)
{
	struct json_object *greeting = object_new();

	object_add_string(greeting, "algorithm", key->algorithm);
	object_add_string(greeting, "keyid", key->keyid);
	object_add_string(greeting, "schemaVersion", SIGNER_SCHEMA);
	object_add_string(greeting, "where", key->where);
	return greeting;
}

struct json_object *request_refusal(const struct fault *fault)
{
	struct json_object *refusal = object_new();
	struct json_object *errors = array_new();

	array_append(errors, fault_to_json(fault));
	object_add(refusal, "errors", errors);
	return refusal;
}

/* A statement of ours, and true where it speaks of this key. */
static enum fault_code examine(const struct request_key *key, struct span payload,
			       struct request_signed *done, struct fault *fault)
{
	struct statement statement;
	struct span signer, run_id, hex;

	if (!canon_check(payload.at, payload.len, NULL))
		return refuse(fault, "not canonical JSON");
	if (statement_read(payload, FAULT_REPORT_SIGNATURE, &statement, fault) != FAULT_NONE)
		return fault->code;
	signer = statement.fields[STATEMENT_SIGNER];
	if (!span_says(span_get(signer, "keyid"), key->keyid))
		return refuse(fault, "the statement names another key");
	if (!span_says(span_get(signer, "where"), key->where))
		return refuse(fault, "the statement says the key lives where it does not");
	if (!span_string(statement.fields[STATEMENT_RUN_ID], &run_id) ||
	    !span_copy(run_id, done->run_id, sizeof(done->run_id)) || !runid_valid(done->run_id))
		return refuse(fault, "the statement names no run");
	if (!span_string(statement.fields[STATEMENT_SHA256], &hex) ||
	    !span_copy(hex, done->report_sha256, sizeof(done->report_sha256)) ||
	    !key_id_valid(done->report_sha256))
		return refuse(fault, "the statement's subject has no SHA-256");
	return FAULT_NONE;
}

enum fault_code request_sign(const struct request_key *key, const char *packet, size_t len,
			     struct json_object **answer, struct request_signed *done,
			     struct fault *fault)
{
	struct buf pae BUF_CLEANUP;
	struct buf text BUF_CLEANUP;
	uint8_t signature[SIGNATURE_MAX];
	size_t signature_len;

	if (len < 2 || len > REQUEST_MAX || packet[len - 1] != '\n')
		return refuse(fault, "a request is one record, a statement of at most 16 KiB");
	if (examine(key, (struct span){packet, len - 1}, done, fault) != FAULT_NONE)
		return fault->code;
	buf_init(&pae, STATEMENT_MAX + 128);
	dsse_pae(packet, len - 1, &pae);
	if (pae.overflowed || !key->sign(key->secret, pae.data, pae.len, signature, &signature_len))
		return refuse(fault, "the key gave no signature");
	buf_init(&text, 2 * SIGNATURE_MAX);
	base64_append(&text, signature, signature_len);
	buf_append(&text, "", 1);
	*answer = object_new();
	object_add_string(*answer, "signature", text.data);
	return FAULT_NONE;
}
