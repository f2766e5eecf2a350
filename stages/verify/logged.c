/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/logged.h"

#include "stages/verify/log_proof.h"
#include "stages/verify/note_signer.h"

#include <string.h>

static void refuse(struct verdict *verdict, const char *path, const char *what)
{
	verdict_refuse_at(verdict, VERDICT_LOG, path, "%s", what);
}

static bool same_body(const struct leaf_body *body, struct span bytes)
{
	uint8_t sum[DIGEST_SIZE];

	digest_bytes(bytes.at, bytes.len, sum);
	return body->len == bytes.len && memcmp(body->hash, sum, DIGEST_SIZE) == 0;
}

static void check_bodies(const struct leaf *leaf, struct span report, struct span bundle,
			 struct verdict *verdict)
{
	if (!same_body(&leaf->report, report))
		refuse(verdict, "log.leaf.report", "the leaf is about another report");
	if (!leaf->is_signed && bundle.len > 0)
		refuse(verdict, "log.leaf.signature", "the report was archived without a bundle");
	else if (leaf->is_signed && bundle.len == 0)
		refuse(verdict, "log.leaf.signature",
		       "it was archived with a bundle: none is here");
	else if (leaf->is_signed && !same_body(&leaf->signature, bundle))
		refuse(verdict, "log.leaf.signature", "it was archived with another bundle");
}

/* What the archive says of a run is the report's, or it is no word about this report. */
static void check_words(const struct leaf *leaf, struct span report, struct verdict *verdict)
{
	struct span digest = span_get(span_get(report, "integrity"), "digest");
	int64_t exit_code;

	if (!span_says(digest, leaf->report_digest))
		refuse(verdict, "log.leaf.report.digest", "not this report's");
	if (!span_says(span_get(report, "runId"), leaf->run_id))
		refuse(verdict, "log.leaf.runId", "not this report's");
	if (!span_says(span_get(report, "startedAt"), leaf->started_at))
		refuse(verdict, "log.leaf.run.startedAt", "not this report's");
	if (!span_says(span_get(report, "state"), leaf->state))
		refuse(verdict, "log.leaf.run.state", "not this report's");
	if (!span_integer(span_get(report, "exitCode"), &exit_code) || exit_code != leaf->exit_code)
		refuse(verdict, "log.leaf.run.exitCode", "not this report's");
	if (leaf->keyid[0] != '\0' && strcmp(leaf->keyid, verdict->keyid) != 0)
		refuse(verdict, "log.leaf.verification.keyid", "not the key of this bundle");
	if (strcmp(leaf->result, "valid") != 0)
		refuse(verdict, "log.leaf.verification.result",
		       "the archive itself did not find it valid");
}

static void check_signature(const struct logged *logged, const struct log_proof *proof,
			    struct verdict *verdict)
{
	const struct note_checkpoint *checkpoint = &proof->note.checkpoint;
	const struct keyring_key *signer;
	struct fault fault, coded;

	if (note_signer_find(&proof->note, &logged->keys, proof->leaf.stored_at, &signer, &fault) !=
	    FAULT_NONE) {
		fault_set(&coded, FAULT_REPORT_SIGNATURE, "log.checkpoint", "%s", fault.message);
		verdict_refuse(verdict, VERDICT_LOG, &coded);
		return;
	}
	if (signer == NULL) {
		verdict_refuse_at(
			verdict, VERDICT_LOG, "log.checkpoint",
			"no key that is trusted here for the purpose 'archive' has signed "
			"in the name of %s",
			checkpoint->origin);
		return;
	}
	if (strcmp(signer->key.keyid, verdict->keyid) == 0)
		refuse(verdict, "log.checkpoint",
		       "the key that signed the report signed the checkpoint too: whoever can sign "
		       "runs could say which runs there were");
}

void logged_check(struct logged *logged, struct span report, struct span bundle,
		  struct verdict *verdict)
{
	struct log_proof proof;
	struct fault fault;

	if (side_file_read(&logged->proof, LOG_PROOF_MAX, FAULT_REPORT_SIGNATURE, &fault) !=
	    FAULT_NONE) {
		verdict_refuse(verdict, VERDICT_LOG, &fault);
		return;
	}
	if (log_proof_read(side_file_text(&logged->proof), &proof, &fault) != FAULT_NONE) {
		verdict_refuse(verdict, VERDICT_LOG, &fault);
		log_proof_release(&proof);
		return;
	}
	check_bodies(&proof.leaf, report, bundle, verdict);
	check_words(&proof.leaf, report, verdict);
	if (log_proof_check(&proof, &fault) != FAULT_NONE)
		verdict_refuse(verdict, VERDICT_LOG, &fault);
	check_signature(logged, &proof, verdict);
	verdict->log = proof.note.checkpoint;
	verdict_pass(verdict, VERDICT_LOG);
	log_proof_release(&proof);
}

void logged_release(struct logged *logged)
{
	side_file_release(&logged->proof);
	keyring_release(&logged->keys);
}
