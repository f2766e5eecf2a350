/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/attest.h"

#include "ipc/canon.h"
#include "stages/verify/bundle.h"
#include "stages/verify/succession.h"

#include <stdio.h>
#include <string.h>

#define CODE FAULT_REPORT_SIGNATURE

/* What the report says where the statement must say the same. */
static struct span claim(struct span report, enum statement_field field)
{
	struct span integrity = span_get(report, "integrity");

	switch (field) {
	case STATEMENT_ARTIFACTS:
	case STATEMENT_EXIT_CODE:
	case STATEMENT_FINISHED_AT:
	case STATEMENT_RUN_ID:
	case STATEMENT_STARTED_AT:
		return span_get(report, statement_field_name(field));
	case STATEMENT_CHAIN_HEAD:
	case STATEMENT_EVENT_COUNT:
	case STATEMENT_MERKLE_ROOT:
		return span_get(integrity, statement_field_name(field));
	case STATEMENT_REPORT:
		return span_get(integrity, "digest");
	case STATEMENT_PREV:
	case STATEMENT_SIGNER:
	case STATEMENT_SHA256:
	case STATEMENT_FIELD_COUNT:
		break;
	}
	return (struct span){"", 0};
}

static void check_subject(const struct statement *statement, struct span report,
			  struct verdict *verdict)
{
	char text[DIGEST_TEXT_SIZE];
	uint8_t sum[DIGEST_SIZE];

	digest_bytes(report.at, report.len, sum);
	digest_text(sum, text);
	if (!span_says(statement->fields[STATEMENT_SHA256], text + sizeof("sha256:") - 1))
		verdict_refuse_at(verdict, VERDICT_STATEMENT, "statement.subject[0].digest.sha256",
				  "the statement is about another file: this one has %s", text);
}

static void check_statement(const struct statement *statement, struct span report,
			    struct verdict *verdict)
{
	check_subject(statement, report, verdict);
	for (enum statement_field field = 0; field < STATEMENT_FIELD_COUNT; field++) {
		char path[FAULT_PATH_SIZE];

		if (field == STATEMENT_PREV || field == STATEMENT_SIGNER ||
		    field == STATEMENT_SHA256 ||
		    span_same(statement->fields[field], claim(report, field)))
			continue;
		snprintf(path, sizeof(path), "statement.predicate.%s", statement_field_name(field));
		verdict_refuse_at(verdict, VERDICT_STATEMENT, path, "not what the report says");
	}
	verdict_pass(verdict, VERDICT_STATEMENT);
}

static void note_signer(const struct bundle *bundle, struct verdict *verdict)
{
	struct span where;

	memcpy(verdict->keyid, bundle->keyid, sizeof(verdict->keyid));
	if (span_string(span_get(bundle->statement.fields[STATEMENT_SIGNER], "where"), &where))
		(void)span_copy(where, verdict->key_where, sizeof(verdict->key_where));
}

static void check_signature(const struct attest *attest, const struct bundle *bundle,
			    struct verdict *verdict)
{
	const struct keyring_key *key = keyring_find(&attest->keys, bundle->keyid);
	char finished_at[EVENT_TIMESTAMP_SIZE];
	struct span text;
	struct fault fault;

	if (key == NULL) {
		if (attest->signature_asked)
			verdict_refuse_at(verdict, VERDICT_SIGNATURE, "key",
					  "signed by key %s, which is none of those trusted here",
					  bundle->keyid);
		return;
	}
	if (!bundle_signed_by(bundle, &key->key)) {
		verdict_refuse_at(verdict, VERDICT_SIGNATURE, "bundle.dsseEnvelope.signatures",
				  "not a signature of key %s over this statement", bundle->keyid);
		return;
	}
	if (!span_string(bundle->statement.fields[STATEMENT_FINISHED_AT], &text) ||
	    !span_copy(text, finished_at, sizeof(finished_at)) ||
	    !event_timestamp_valid(finished_at)) {
		verdict_refuse_at(verdict, VERDICT_STATEMENT, "statement.predicate.finishedAt",
				  "a time must stand here");
		return;
	}
	if (keyring_admit(key, KEY_PURPOSE_SEAL, finished_at, &fault) != FAULT_NONE) {
		verdict_refuse(verdict, VERDICT_SIGNATURE, &fault);
		return;
	}
	verdict_pass(verdict, VERDICT_SIGNATURE);
}

static void check_bundle(struct attest *attest, struct span report, struct verdict *verdict)
{
	struct bundle bundle;
	struct fault fault;

	if (bundle_read(side_file_text(&attest->bundle), &bundle, &fault) != FAULT_NONE) {
		verdict_refuse(verdict,
			       strncmp(fault.path, "statement", strlen("statement")) == 0
				       ? VERDICT_STATEMENT
				       : VERDICT_SIGNATURE,
			       &fault);
		bundle_release(&bundle);
		return;
	}
	note_signer(&bundle, verdict);
	check_statement(&bundle.statement, report, verdict);
	check_signature(attest, &bundle, verdict);
	if (attest->prev.fd >= 0)
		succession_check_prev(&bundle.statement, side_file_text(&attest->prev), verdict);
	if (attest->chain.fd >= 0)
		succession_check_chain(&bundle.statement, side_file_text(&attest->bundle),
				       side_file_text(&attest->chain), verdict);
	bundle_release(&bundle);
}

/* The caller's own words, in the first event from before the command ran. */
static void check_challenge(const char *expected, struct span report, struct verdict *verdict)
{
	struct buf text BUF_CLEANUP;
	struct span_walk walk;
	struct span first, found = {"", 0};

	buf_init(&text, RECORD_EVENT_MAX);
	canon_write_string(&text, expected, strlen(expected));
	if (span_walk_array(span_get(report, "events"), &walk) && span_next_element(&walk, &first))
		found = span_get(span_get(first, "payload"), "challenge");
	if (found.len == text.len && memcmp(found.at, text.data, text.len) == 0)
		verdict_pass(verdict, VERDICT_CHALLENGE);
	else
		verdict_refuse_at(verdict, VERDICT_CHALLENGE, "events[0].payload.challenge",
				  found.len == 0 ? "the report answers no challenge"
						 : "the report answers another challenge");
}

static enum fault_code read_all(struct attest *attest, struct fault *fault)
{
	if (attest->open_fault.code != FAULT_NONE) {
		*fault = attest->open_fault;
		return fault->code;
	}
	if (side_file_read(&attest->bundle, BUNDLE_MAX, CODE, fault) != FAULT_NONE ||
	    side_file_read(&attest->prev, BUNDLE_MAX, CODE, fault) != FAULT_NONE ||
	    side_file_read(&attest->chain, ATTEST_CHAIN_MAX, CODE, fault) != FAULT_NONE)
		return fault->code;
	return keyring_read(&attest->keys, fault) != FAULT_NONE
		       ? fault->code
		       : keyring_read(&attest->log.keys, fault);
}

static void ask(const struct attest *attest, struct verdict *verdict)
{
	if (attest->signature_asked || attest->bundle.fd >= 0)
		verdict_want(verdict, VERDICT_STATEMENT);
	if (attest->signature_asked)
		verdict_want(verdict, VERDICT_SIGNATURE);
	if (attest->prev.fd >= 0 || attest->chain.fd >= 0)
		verdict_want(verdict, VERDICT_PREV);
	if (attest->challenge != NULL)
		verdict_want(verdict, VERDICT_CHALLENGE);
	if (attest->log_asked || attest->log.proof.fd >= 0)
		verdict_want(verdict, VERDICT_LOG);
}

void attest_check(struct attest *attest, struct span report, struct verdict *verdict)
{
	struct fault fault;

	ask(attest, verdict);
	if (read_all(attest, &fault) != FAULT_NONE) {
		verdict_refuse(verdict, VERDICT_SIGNATURE, &fault);
		return;
	}
	if (report.len == 0)
		return;
	if (attest->challenge != NULL)
		check_challenge(attest->challenge, report, verdict);
	if (attest->bundle.fd >= 0)
		check_bundle(attest, report, verdict);
	else if (attest->signature_asked)
		verdict_refuse_at(
			verdict, VERDICT_SIGNATURE, "bundle",
			"there is no bundle, run_report.sigstore.json, beside the report");
	if (attest->log.proof.fd >= 0)
		logged_check(&attest->log, report, side_file_text(&attest->bundle), verdict);
	else if (attest->log_asked)
		verdict_refuse_at(
			verdict, VERDICT_LOG, "log",
			"no log proof was given: safe-run archive prove writes one, --log "
			"takes it");
}

void attest_release(struct attest *attest)
{
	side_file_release(&attest->bundle);
	side_file_release(&attest->prev);
	side_file_release(&attest->chain);
	keyring_release(&attest->keys);
	logged_release(&attest->log);
}
