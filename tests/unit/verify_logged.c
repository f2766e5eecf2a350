/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log proof against report, bundle and keys: every part of it belongs to every other. An archive
 * of five leaves is made here, with a key of its own, so that also what an archive's key could have
 * signed and should not count is tried.
 */
#include "stages/archive/archive_key.h"
#include "stages/seal/base64.h"
#include "stages/seal/merkle.h"
#include "stages/seal/signature.h"
#include "stages/verify/attest.h"
#include "stages/verify/check.h"
#include "stages/verify/log_proof.h"
#include "tests/support/answer.h"
#include "tests/support/child.h"
#include "tests/support/evidence.h"
#include "tests/support/scene.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ORIGIN	     "test/log"
#define STORED_AT    "2026-02-01T00:00:00.000000000Z"
#define LEAVES	     5
#define PLACE	     2 /* of the leaf in question */

struct log {
	struct scene scene;
	struct buf bundle, other_bundle;
	struct leaf leaf; /* the honest one */
};

static void body_of(const struct buf *bytes, struct leaf_body *body)
{
	digest_bytes(bytes->data, bytes->len, body->hash);
	body->len = bytes->len;
}

static void copy(struct span value, char *out, size_t size)
{
	struct span text;

	cr_assert(span_string(value, &text) && span_copy(text, out, size));
}

/* The leaf sr-archive would write of report and bundle (NULL: none). */
static void describe(const struct buf *report, const struct buf *bundle, struct leaf *leaf)
{
	struct span text = {report->data, report->len};

	*leaf = (struct leaf){.retention = "forever",
			      .stored_at = STORED_AT,
			      .verified_at = STORED_AT,
			      .algorithm = "SHA-256",
			      .result = "valid",
			      .trust = "self",
			      .is_signed = bundle != NULL};
	body_of(report, &leaf->report);
	if (bundle != NULL)
		body_of(bundle, &leaf->signature);
	copy(span_get(text, "runId"), leaf->run_id, sizeof(leaf->run_id));
	copy(span_get(text, "startedAt"), leaf->started_at, sizeof(leaf->started_at));
	copy(span_get(text, "state"), leaf->state, sizeof(leaf->state));
	copy(span_get(span_get(text, "integrity"), "digest"), leaf->report_digest,
	     sizeof(leaf->report_digest));
	cr_assert(span_integer(span_get(text, "exitCode"), &leaf->exit_code));
	leaf_identify(leaf);
}

/* A checkpoint over a tree of size leaves in which leaf stands at place, and its proof. */
static void prove(const struct leaf *leaf, size_t place, size_t size, const char *origin,
		  const struct key_private *key, struct buf *out)
{
	inclusion_hash hashes[16];
	struct note_checkpoint checkpoint = {.size = size};
	struct log_proof proof = {.index = place, .size = size};
	uint8_t key_hash[NOTE_KEY_HASH_SIZE], signature[SIGNATURE_MAX];
	struct buf line, note;
	struct merkle tree;
	size_t len;

	buf_init(&line, LEAF_LEN_MAX);
	buf_init(&note, NOTE_LEN_MAX);
	buf_init(out, LOG_PROOF_MAX + 1);
	leaf_write(leaf, &line);
	merkle_init(&tree);
	for (size_t i = 0; i < size; i++) {
		merkle_leaf(i == place ? line.data : (const char *)&i, i == place ? line.len : 1,
			    hashes[i]);
		merkle_add_hash(&tree, hashes[i]);
	}
	snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", origin);
	merkle_root(&tree, checkpoint.root);
	merkle_release(&tree);
	note_write_text(&checkpoint, &note);
	note_key_hash(origin, archive_key_bytes(&key->public), key_hash);
	cr_assert(signature_sign(key->handle, KEY_ED25519, note.data, note.len, signature, &len));
	note_write_signature(&checkpoint, key_hash, signature, &note);
	cr_assert(inclusion_prove((const inclusion_hash *)hashes, size, place, &proof.path));
	proof.line = (struct span){line.data, line.len};
	proof.checkpoint = (struct span){note.data, note.len};
	log_proof_write(&proof, out);
	buf_release(&line);
	buf_release(&note);
}

static void log_open(struct log *log)
{
	scene_open(&log->scene);
	scene_sign(&log->scene.report, &log->scene.key, "null", &log->bundle);
	scene_sign(&log->scene.report, &log->scene.key,
		   "{\"bundleDigest\":\"sha256:"
		   "0000000000000000000000000000000000000000000000000000000000000000\","
		   "\"runId\":\"sr-20260101-000000-00000001\"}",
		   &log->other_bundle);
	describe(&log->scene.report, &log->bundle, &log->leaf);
}

static void log_close(struct log *log)
{
	buf_release(&log->bundle);
	buf_release(&log->other_bundle);
	scene_close(&log->scene);
}

/* What sr-verify is asked; NULL: not given. */
struct question {
	const struct buf *report, *bundle, *proof;
	const char *key, *archive_key, *trust;
	bool signature_not_asked;
};

static struct json_object *ask(const struct question *question)
{
	struct attest attest = {.bundle = {.fd = -1},
				.prev = {.fd = -1},
				.chain = {.fd = -1},
				.log = {.proof = {.fd = -1}},
				.signature_asked = !question->signature_not_asked,
				.log_asked = true};
	struct span text = {question->report->data, question->report->len};
	struct verdict verdict = {.states = {VERDICT_NOT_RUN}};
	struct fault *fault = &attest.open_fault;

	if (question->bundle != NULL)
		attest.bundle.fd = scene_memory(question->bundle->data, question->bundle->len);
	if (question->proof != NULL)
		attest.log.proof.fd = scene_memory(question->proof->data, question->proof->len);
	if (question->key != NULL)
		(void)!keyring_open_file(&attest.keys, question->key, fault);
	if (question->archive_key != NULL)
		(void)!keyring_open_file(&attest.log.keys, question->archive_key, fault);
	if (question->trust != NULL && fault->code == FAULT_NONE)
		(void)!keyring_open_directory(&attest.log.keys, question->trust, fault);
	check_report(text, &verdict);
	attest_check(&attest, text, &verdict);
	attest_release(&attest);
	return verdict_to_json(&verdict);
}

static void expect(const char *name, const struct question *question, const char *trust,
		   const char *code, const char *place)
{
	struct json_object *answer = ask(question);

	cr_expect_str_eq(answer_text(answer, "trust"), trust, "%s: %s", name,
			 json_object_get_string(answer));
	if (code != NULL)
		cr_expect(answer_has_reason(answer, code, place), "%s: no %s at %s in %s", name,
			  code, place, json_object_get_string(answer));
	json_object_put(answer);
}

static struct question honest(const struct log *log, const struct buf *proof)
{
	return (struct question){.report = &log->scene.report,
				 .bundle = &log->bundle,
				 .proof = proof,
				 .key = log->scene.key_path,
				 .archive_key = log->scene.archive_path};
}

/* Every place in trees of every shape; an older checkpoint is as good, and says its size. */
Test(verify_logged, an_honest_one_says_origin_and_size)
{
	struct log log;

	log_open(&log);
	for (size_t size = 1; size <= 9; size++)
		for (size_t place = 0; place < size; place++) {
			char trust[64];
			struct question question;
			struct buf proof;

			prove(&log.leaf, place, size, ORIGIN, &log.scene.archive, &proof);
			question = honest(&log, &proof);
			snprintf(trust, sizeof(trust), "logged(" ORIGIN ",%zu)", size);
			expect("honest", &question, trust, NULL, NULL);
			buf_release(&proof);
		}
	log_close(&log);
}

/* What a log does not have is no longer open, and what it cannot have is. */
Test(verify_logged, what_is_left_open_shrinks)
{
	struct json_object *answers[2];
	struct question question;
	struct buf proof;
	struct log log;

	log_open(&log);
	prove(&log.leaf, PLACE, LEAVES, ORIGIN, &log.scene.archive, &proof);
	question = honest(&log, &proof);
	answers[0] = ask(&question);
	question.proof = NULL;
	answers[1] = ask(&question);
	cr_expect_null(strstr(json_object_get_string(answers[0]), "no log was looked at"));
	cr_expect_not_null(strstr(json_object_get_string(answers[0]), "everybody the same leaves"));
	cr_expect_not_null(strstr(json_object_get_string(answers[1]), "no log was looked at"));
	cr_expect_lt(json_object_array_length(json_object_object_get(answers[0], "doesNotProve")),
		     json_object_array_length(json_object_object_get(answers[1], "doesNotProve")));
	cr_expect(answer_has_reason(answers[1], "SR-EVD-304", "log"), "asked for, and not given");
	json_object_put(answers[0]);
	json_object_put(answers[1]);
	buf_release(&proof);
	log_close(&log);
}

/* Leaves the archive's own key has signed: what each says must be so of this report and bundle. */
enum change {
	OTHER_REPORT,
	REPORT_LENGTH,
	OTHER_BUNDLE,
	BUNDLE_LENGTH,
	NO_BUNDLE,
	DIGEST,
	RUN,
	EXIT_CODE,
	STARTED,
	STATE,
	KEYID,
	RESULT,
	CHANGE_COUNT
};

static const struct {
	const char *name, *place;
} changes[CHANGE_COUNT] = {
	[OTHER_REPORT] = {"another report's hash", "log.leaf.report"},
	[REPORT_LENGTH] = {"another length", "log.leaf.report"},
	[OTHER_BUNDLE] = {"another bundle under the same report", "log.leaf.signature"},
	[BUNDLE_LENGTH] = {"another bundle's length", "log.leaf.signature"},
	[NO_BUNDLE] = {"archived without a bundle", "log.leaf.signature"},
	[DIGEST] = {"digest", "log.leaf.report.digest"},
	[RUN] = {"run", "log.leaf.runId"},
	[EXIT_CODE] = {"exit code", "log.leaf.run.exitCode"},
	[STARTED] = {"start", "log.leaf.run.startedAt"},
	[STATE] = {"state", "log.leaf.run.state"},
	[KEYID] = {"another signer", "log.leaf.verification.keyid"},
	[RESULT] = {"not found valid", "log.leaf.verification.result"},
};

static void change(const struct log *log, enum change what, struct leaf *leaf)
{
	*leaf = log->leaf;
	switch (what) {
	case OTHER_REPORT:
		body_of(&log->scene.other_report, &leaf->report);
		leaf->report.len = log->scene.report.len;
		break;
	case REPORT_LENGTH:
		leaf->report.len++;
		break;
	case OTHER_BUNDLE:
		body_of(&log->other_bundle, &leaf->signature);
		leaf->signature.len = log->bundle.len;
		break;
	case BUNDLE_LENGTH:
		leaf->signature.len++;
		break;
	case NO_BUNDLE:
		leaf->is_signed = false;
		break;
	case DIGEST:
		leaf->report_digest[10] = leaf->report_digest[10] == '0' ? '1' : '0';
		break;
	case RUN:
		memcpy(leaf->run_id, "sr-20260101-000000-00000001",
		       sizeof("sr-20260101-000000-00000001"));
		break;
	case EXIT_CODE:
		leaf->exit_code++;
		break;
	case STARTED:
		memcpy(leaf->started_at, STORED_AT, sizeof(STORED_AT));
		break;
	case STATE:
		memcpy(leaf->state, "failed", sizeof("failed"));
		break;
	case KEYID:
		memcpy(leaf->keyid, log->scene.archive.public.keyid, sizeof(leaf->keyid));
		break;
	case RESULT:
		memcpy(leaf->result, "invalid", sizeof("invalid"));
		break;
	case CHANGE_COUNT:
		break;
	}
	leaf_identify(leaf);
}

Test(verify_logged, a_leaf_about_something_else)
{
	struct log log;

	log_open(&log);
	for (enum change what = 0; what < CHANGE_COUNT; what++) {
		struct question question;
		struct leaf leaf;
		struct buf proof;

		change(&log, what, &leaf);
		prove(&leaf, PLACE, LEAVES, ORIGIN, &log.scene.archive, &proof);
		question = honest(&log, &proof);
		expect(changes[what].name, &question, "none", "SR-EVD-304", changes[what].place);
		buf_release(&proof);
	}
	log_close(&log);
}

/* The honest proof beside something else. */
Test(verify_logged, another_report_and_another_bundle)
{
	struct question question;
	struct buf proof;
	struct log log;

	log_open(&log);
	prove(&log.leaf, PLACE, LEAVES, ORIGIN, &log.scene.archive, &proof);
	question = honest(&log, &proof);
	question.bundle = &log.other_bundle;
	expect("another bundle", &question, "none", "SR-EVD-304", "log.leaf.signature");
	question.bundle = NULL;
	expect("no bundle", &question, "none", "SR-EVD-304", "log.leaf.signature");
	question.signature_not_asked = true;
	expect("no bundle, nor asked for", &question, "none", "SR-EVD-304", "log.leaf.signature");
	question = honest(&log, &proof);
	question.report = &log.scene.other_report;
	expect("another report", &question, "none", "SR-EVD-304", "log.leaf.report");
	buf_release(&proof);
	log_close(&log);
}

/* It was archived, and nobody says whose it is: that is no more than trust=self. */
Test(verify_logged, an_unsigned_report_is_not_logged)
{
	struct question question;
	struct leaf leaf;
	struct buf proof;
	struct log log;

	log_open(&log);
	describe(&log.scene.report, NULL, &leaf);
	prove(&leaf, PLACE, LEAVES, ORIGIN, &log.scene.archive, &proof);
	question = honest(&log, &proof);
	question.bundle = NULL;
	expect("logged asked for", &question, "none", "SR-EVD-304", "bundle");
	question.key = NULL;
	question.signature_not_asked = true;
	expect("self is enough", &question, "self", NULL, NULL);
	buf_release(&proof);
	log_close(&log);
}

static void trust(const struct scene *scene, const struct key_private *key, const char *purpose,
		  const char *not_after, const char *revoked_at)
{
	char path[700], entry[1024];
	struct buf spki;

	buf_init(&spki, 256);
	base64_append(&spki, key->public.spki, key->public.spki_len);
	snprintf(entry, sizeof(entry),
		 "{\"algorithm\":\"ed25519\",\"keyid\":\"%s\",\"notAfter\":%s,\"notBefore\":null,"
		 "\"publicKey\":\"%.*s\",\"purpose\":\"%s\",\"revokedAt\":%s,"
		 "\"schemaVersion\":\"" KEYRING_SCHEMA "\"}",
		 key->public.keyid, not_after, (int)spki.len, spki.data, purpose, revoked_at);
	snprintf(path, sizeof(path), "%s/%s.json", scene->trust, key->public.keyid);
	child_write_file(path, entry, strlen(entry));
	buf_release(&spki);
}

#define BEFORE "\"2026-01-31T23:59:59.999999999Z\""
#define LATER  "\"2026-02-01T00:00:00.000000000Z\""

Test(verify_logged, whose_checkpoint_it_is)
{
	struct question question;
	struct buf proof, renamed, sealed;
	struct log log;

	log_open(&log);
	prove(&log.leaf, PLACE, LEAVES, ORIGIN, &log.scene.archive, &proof);
	prove(&log.leaf, PLACE, LEAVES, ORIGIN, &log.scene.archive, &renamed);
	prove(&log.leaf, PLACE, LEAVES, ORIGIN, &log.scene.key, &sealed);
	evidence_replace(&renamed, ORIGIN, "test/lag", -1);
	question = honest(&log, &renamed);
	expect("unknown origin", &question, "none", "SR-EVD-304", "log.checkpoint");
	question = honest(&log, &sealed);
	expect("another key", &question, "none", "SR-EVD-304", "log.checkpoint");
	question.archive_key = log.scene.key_path;
	expect("a key that seals", &question, "none", "SR-EVD-304", "log.checkpoint");
	question = honest(&log, &proof);
	question.archive_key = NULL;
	expect("no key", &question, "none", "SR-EVD-304", "log.checkpoint");
	question.trust = log.scene.trust;
	expect("an empty directory", &question, "none", "SR-EVD-304", "log.checkpoint");
	trust(&log.scene, &log.scene.archive, "archive", "null", "null");
	expect("from the directory", &question, "logged(" ORIGIN ",5)", NULL, NULL);
	trust(&log.scene, &log.scene.archive, "seal", "null", "null");
	expect("another purpose there", &question, "none", "SR-EVD-304", "log.checkpoint");
	trust(&log.scene, &log.scene.archive, "archive", LATER, "null");
	expect("just in time", &question, "logged(" ORIGIN ",5)", NULL, NULL);
	trust(&log.scene, &log.scene.archive, "archive", BEFORE, "null");
	expect("expired", &question, "none", "SR-EVD-304", "log.checkpoint");
	trust(&log.scene, &log.scene.archive, "archive", "null", LATER);
	expect("revoked", &question, "none", "SR-EVD-304", "log.checkpoint");
	question.archive_key = log.scene.archive_path;
	expect("revoked, and named", &question, "none", "SR-EVD-304", "log.checkpoint");
	buf_release(&proof);
	buf_release(&renamed);
	buf_release(&sealed);
	log_close(&log);
}

static const struct {
	const char *name, *find, *replace, *code, *place;
} edits[] = {
	{"index one less", "\"index\":2", "\"index\":1", "SR-EVD-303", "log.path"},
	{"index one more", "\"index\":2", "\"index\":3", "SR-EVD-303", "log.path"},
	{"index at size", "\"index\":2", "\"index\":5", "SR-EVD-303", "log.path"},
	{"size doubled", "\"size\":5", "\"size\":10", "SR-EVD-303", "log.size"},
	{"size one less", "\"size\":5", "\"size\":4", "SR-EVD-303", "log.size"},
	{"size 0", "\"size\":5", "\"size\":0", "SR-EVD-303", "log.size"},
	{"both sizes", ORIGIN "\\n5\\n", ORIGIN "\\n4\\n", "SR-EVD-303", "log.size"},
	{"path empty", "\"path\":[", "\"path\":[],\"qath\":[", "SR-EVD-301", "log.qath"},
	{"path longer", "\"path\":[",
	 "\"path\":[\"sha256:"
	 "0000000000000000000000000000000000000000000000000000000000000000\",",
	 "SR-EVD-303", "log.path"},
	{"33 bytes", "\"path\":[\"sha256:", "\"path\":[\"sha256:00", "SR-EVD-301", "log.path"},
	{"unknown member", "\"size\":", "\"root\":\"\",\"size\":", "SR-EVD-306", "log"},
	{"another version", "log-proof/v1", "log-proof/v2", "SR-EVD-301", "log.schemaVersion"},
	{"a member in the leaf", "\"retention\":", "\"aetention\":", "SR-EVD-306", "log"},
	{"a bundle id of its own", "\"bundleId\":\"sb-", "\"bundleId\":\"sb+", "SR-EVD-301",
	 "log.leaf"},
	{"no empty line", "\\n\\n", "\\n", "SR-EVD-301", "log.checkpoint"},
	{"a control character", ORIGIN "\\n5", ORIGIN "\\t\\n5", "SR-EVD-301", "log.checkpoint"},
	{"a leading zero", "\\n5\\n", "\\n05\\n", "SR-EVD-301", "log.checkpoint"},
	{"not canonical", "{\"checkpoint\"", "{ \"checkpoint\"", "SR-EVD-306", "log"},
};

Test(verify_logged, edits)
{
	struct log log;

	log_open(&log);
	for (size_t i = 0; i < COUNT(edits); i++) {
		struct question question;
		struct buf proof;

		prove(&log.leaf, PLACE, LEAVES, ORIGIN, &log.scene.archive, &proof);
		evidence_replace(&proof, edits[i].find, edits[i].replace, 0);
		question = honest(&log, &proof);
		expect(edits[i].name, &question, "none", edits[i].code, edits[i].place);
		question.signature_not_asked = true;
		question.key = NULL;
		expect(edits[i].name, &question, "none", edits[i].code, edits[i].place);
		buf_release(&proof);
	}
	log_close(&log);
}

static bool accepted(const struct log *log, const struct keyring *keys, const char *data,
		     size_t len)
{
	struct logged logged = {.proof = {.fd = scene_memory(data, len)}, .keys = *keys};
	struct verdict verdict = {.states = {VERDICT_NOT_RUN}};
	bool passed;

	memcpy(verdict.keyid, log->scene.key.public.keyid, sizeof(verdict.keyid));
	logged_check(&logged, (struct span){log->scene.report.data, log->scene.report.len},
		     (struct span){log->bundle.data, log->bundle.len}, &verdict);
	passed = verdict.states[VERDICT_LOG] == VERDICT_PASSED;
	side_file_release(&logged.proof);
	return passed;
}

Test(verify_logged, every_bit_and_every_cut)
{
	struct keyring keys = {.keys = NULL};
	struct fault fault;
	struct buf proof;
	struct log log;
	char *changed;

	log_open(&log);
	prove(&log.leaf, PLACE, LEAVES, ORIGIN, &log.scene.archive, &proof);
	cr_assert_eq(keyring_open_file(&keys, log.scene.archive_path, &fault), FAULT_NONE);
	cr_assert_eq(keyring_read(&keys, &fault), FAULT_NONE);
	changed = calloc(1, LOG_PROOF_MAX + 1);
	memcpy(changed, proof.data, proof.len);
	cr_expect(accepted(&log, &keys, changed, proof.len));
	for (size_t bit = 0; bit < proof.len * 8; bit++) {
		changed[bit / 8] ^= (char)(1 << bit % 8);
		cr_expect_not(accepted(&log, &keys, changed, proof.len), "bit %zu of byte %zu",
			      bit % 8, bit / 8);
		changed[bit / 8] = proof.data[bit / 8];
	}
	for (size_t len = 0; len < proof.len; len++)
		cr_expect_not(accepted(&log, &keys, changed, len), "%zu bytes", len);
	changed[proof.len] = '\n';
	cr_expect_not(accepted(&log, &keys, changed, proof.len + 1));
	cr_expect_not(accepted(&log, &keys, changed, LOG_PROOF_MAX));
	cr_expect_not(accepted(&log, &keys, changed, LOG_PROOF_MAX + 1));
	free(changed);
	keyring_release(&keys);
	buf_release(&proof);
	log_close(&log);
}
