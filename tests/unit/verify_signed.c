/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups E and H of the tamper list, and every bit and length of a bundle: what somebody makes who
 * has the report, the bundle, or even a key of their own, and what the trusted key would have to
 * sign for it to pass.
 */
#include "ipc/canon.h"
#include "stages/seal/base64.h"
#include "stages/seal/key_private.h"
#include "stages/seal/signature.h"
#include "stages/verify/attest.h"
#include "stages/verify/bundle.h"
#include "stages/verify/check.h"
#include "tests/support/answer.h"
#include "tests/support/child.h"
#include "tests/support/evidence.h"
#include "tests/support/scene.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CODE	     "SR-EVD-304"

/* What sr-verify is asked; NULL: not given. */
struct question {
	const struct buf *bundle, *prev, *chain;
	const char *key, *trust, *challenge;
	bool signature_asked;
};

static void verify(const struct buf *report, const struct question *question,
		   struct verdict *verdict)
{
	struct attest attest = {.bundle = {.fd = -1},
				.prev = {.fd = -1},
				.chain = {.fd = -1},
				.log = {.proof = {.fd = -1}},
				.challenge = question->challenge,
				.signature_asked =
					question->signature_asked || question->key != NULL};
	struct span text = {report->data, report->len};

	if (question->bundle != NULL)
		attest.bundle.fd = scene_memory(question->bundle->data, question->bundle->len);
	if (question->prev != NULL)
		attest.prev.fd = scene_memory(question->prev->data, question->prev->len);
	if (question->chain != NULL)
		attest.chain.fd = scene_memory(question->chain->data, question->chain->len);
	if (question->key != NULL)
		(void)!keyring_open_file(&attest.keys, question->key, &attest.open_fault);
	if (question->trust != NULL && attest.open_fault.code == FAULT_NONE)
		(void)!keyring_open_directory(&attest.keys, question->trust, &attest.open_fault);
	*verdict = (struct verdict){.states = {VERDICT_NOT_RUN}};
	check_report(text, verdict);
	if (verdict->states[VERDICT_CANONICAL] != VERDICT_PASSED)
		text = (struct span){"", 0};
	attest_check(&attest, text, verdict);
	attest_release(&attest);
}

static void expect(const char *name, const struct buf *report, const struct question *question,
		   const char *trust, const char *code, const char *place)
{
	struct verdict verdict;
	struct json_object *answer;

	verify(report, question, &verdict);
	answer = verdict_to_json(&verdict);
	cr_expect_str_eq(answer_text(answer, "trust"), trust, "%s: %s", name,
			 json_object_get_string(answer));
	if (code != NULL)
		cr_expect(answer_has_reason(answer, code, place), "%s: no %s at %s in %s", name,
			  code, place, json_object_get_string(answer));
	json_object_put(answer);
}

Test(verify_signed, an_honest_one_is_signed_with_either_algorithm)
{
	struct scene scene;
	struct buf bundle;

	scene_open(&scene);
	scene_sign(&scene.report, &scene.key, "null", &bundle);
	expect("ed25519", &scene.report,
	       &(struct question){.bundle = &bundle, .key = scene.key_path}, "signed", NULL, NULL);
	buf_release(&bundle);
	scene_sign(&scene.report, &scene.p256, "null", &bundle);
	expect("p256", &scene.report, &(struct question){.bundle = &bundle, .key = scene.p256_path},
	       "signed", NULL, NULL);
	buf_release(&bundle);
	scene_close(&scene);
}

#define SIGNATURES "bundle.dsseEnvelope.signatures"

/* Edits of an honest bundle: nobody's key is needed for them. */
static const struct edit {
	const char *name, *find, *replace, *place;
} edits[] = {
	{"payloadType", "application/vnd.in-toto+json", "application/json",
	 "bundle.dsseEnvelope.payloadType"},
	{"another media type", "bundle.v0.3+json", "bundle.v0.2+json", "bundle.mediaType"},
	{"member at top", "{\"dsseEnvelope\"", "{\"aa\":1,\"dsseEnvelope\"", "bundle.aa"},
	{"member in envelope", "\"payload\":", "\"aa\":1,\"payload\":", "bundle.dsseEnvelope.aa"},
	{"member beside the key", "{\"publicKey\":", "{\"certificate\":{},\"publicKey\":",
	 "bundle.verificationMaterial.certificate"},
	{"log entries nobody checks", "\"hint\":\"", "\"hint\":\"\",\"zz\":\"",
	 "bundle.verificationMaterial.publicKey.zz"},
	{"member of a signature",
	 "{\"sig\":", "{\"cert\":\"\",\"sig\":", "bundle.dsseEnvelope.signatures[0].cert"},
	{"another keyid", "{\"sig\":",
	 "{\"keyid\":"
	 "\"0000000000000000000000000000000000000000000000000000000000000000\",\"sig\":",
	 SIGNATURES},
	{"a hint that is none", "\"hint\":\"", "\"hint\":\"x",
	 "bundle.verificationMaterial.publicKey.hint"},
	{"line end in base64", "\"payload\":\"", "\"payload\":\"\\n",
	 "bundle.dsseEnvelope.payload"},
	{"space", "{\"dsseEnvelope\":", "{ \"dsseEnvelope\":", "bundle"},
	{"two members of one name",
	 "{\"dsseEnvelope\":", "{\"dsseEnvelope\":{},\"dsseEnvelope\":", "bundle"},
};

Test(verify_signed, e_edits_of_the_bundle)
{
	struct scene scene;

	scene_open(&scene);
	for (size_t i = 0; i < COUNT(edits); i++) {
		struct buf bundle;

		scene_sign(&scene.report, &scene.key, "null", &bundle);
		evidence_replace(&bundle, edits[i].find, edits[i].replace, 0);
		expect(edits[i].name, &scene.report,
		       &(struct question){.bundle = &bundle, .key = scene.key_path}, "none", CODE,
		       edits[i].place);
		/* Whoever verifies, with keys or without. */
		expect(edits[i].name, &scene.report, &(struct question){.bundle = &bundle}, "none",
		       CODE, edits[i].place);
		buf_release(&bundle);
	}
	scene_close(&scene);
}

/* Exactly one signature: not the first of two, and not an empty list. */
Test(verify_signed, e_no_signature_and_two)
{
	struct scene scene;

	scene_open(&scene);
	for (int two = 0; two < 2; two++) {
		char one[512], list[1200];
		struct buf bundle;
		const char *start, *end;

		scene_sign(&scene.report, &scene.key, "null", &bundle);
		buf_append(&bundle, "", 1);
		bundle.len--;
		start = strstr(bundle.data, "{\"sig\":");
		cr_assert_not_null(start);
		end = strchr(start, '}') + 1;
		snprintf(one, sizeof(one), "%.*s", (int)(end - start), start);
		snprintf(list, sizeof(list), "%s,%s", one, one);
		evidence_replace(&bundle, one, two ? list : "", 0);
		expect(two ? "two" : "none", &scene.report,
		       &(struct question){.bundle = &bundle, .key = scene.key_path}, "none", CODE,
		       SIGNATURES);
		buf_release(&bundle);
	}
	scene_close(&scene);
}

/* Statements the trusted key itself has signed: each is refused for what it says. */
static const struct edit statements[] = {
	{"Statement v0.1", "Statement/v1", "Statement/v0.1", "statement._type"},
	{"predicateType", "safe-run.dev/run-report/v1", "slsa.dev/provenance/v1",
	 "statement.predicateType"},
	{"exitCode", "\"exitCode\":0", "\"exitCode\":1", "statement.predicate.exitCode"},
	{"eventCount", "\"eventCount\":1", "\"eventCount\":2", "statement.predicate.eventCount"},
	{"runId", "sr-20260101-000000-0badcafe", "sr-20260101-000000-0badcaff",
	 "statement.predicate.runId"},
	{"startedAt", "\"startedAt\":\"2", "\"startedAt\":\"3", "statement.predicate.startedAt"},
	{"finishedAt", "\"finishedAt\":\"2", "\"finishedAt\":\"3",
	 "statement.predicate.finishedAt"},
	{"chainHead", "\"chainHead\":\"sha256:", "\"chainHead\":\"sha512:", "statement.predicate"},
	{"artifacts", "\"artifacts\":{", "\"artifacts\":{\"aHash\":null,",
	 "statement.predicate.artifacts"},
	{"unknown member", "\"prev\":null", "\"prev\":null,\"promise\":1",
	 "statement.predicate.promise"},
	{"missing member", "\"prev\":null,", "", "statement.predicate"},
	{"prev without a digest", "\"prev\":null", "\"prev\":{\"runId\":\"sr-1\"}",
	 "statement.predicate.prev"},
	{"another subject", "\"name\":\"run_report.json\"", "\"name\":\"events.ndjson\"",
	 "statement.subject"},
	{"two subjects", "\"subject\":[",
	 "\"subject\":[{\"digest\":{\"sha256\":\"\"},\"name\":\"x\"},", "statement.subject"},
	{"another key's", "\"signer\":{\"keyid\":\"", "\"signer\":{\"keyid\":\"f",
	 "statement.predicate.signer.keyid"},
	{"not canonical", "{\"_type\"", "{ \"_type\"", "statement"},
};

Test(verify_signed, e_statements_that_are_not_about_this_report)
{
	struct scene scene;

	scene_open(&scene);
	for (size_t i = 0; i < COUNT(statements); i++) {
		const char *keyid = scene.key.public.keyid, *place = statements[i].place;
		struct buf statement, bundle;
		struct verdict verdict;
		bool found = false;

		buf_init(&statement, EVIDENCE_MAX);
		buf_init(&bundle, EVIDENCE_MAX);
		scene_state(&scene.report, keyid, "null", &statement);
		evidence_replace(&statement, statements[i].find, statements[i].replace, 0);
		scene_sign_as(&statement, &scene.key, keyid, &bundle);
		verify(&scene.report, &(struct question){.bundle = &bundle, .key = scene.key_path},
		       &verdict);
		cr_expect(!verdict_valid(&verdict), "%s", statements[i].name);
		/* The path itself, or one below it. */
		for (size_t k = 0; k < verdict.faults.count; k++)
			found = found ||
				strncmp(verdict.faults.items[k].path, place, strlen(place)) == 0;
		cr_expect(found, "%s: nothing at %s but %s", statements[i].name, place,
			  verdict.faults.items[0].path);
		buf_release(&statement);
		buf_release(&bundle);
	}
	scene_close(&scene);
}

Test(verify_signed, e_signatures_that_are_none_of_the_keys)
{
	const char *keyid;
	struct scene scene;
	struct buf statement, bundle;
	uint8_t signature[SIGNATURE_MAX];
	size_t len;

	scene_open(&scene);
	keyid = scene.key.public.keyid;
	buf_init(&statement, EVIDENCE_MAX);
	buf_init(&bundle, EVIDENCE_MAX);
	scene_state(&scene.report, keyid, "null", &statement);
	scene_sign_as(&statement, &scene.stranger, keyid, &bundle);
	expect("attacker's key under the trusted keyid", &scene.report,
	       &(struct question){.bundle = &bundle, .key = scene.key_path}, "none", CODE,
	       SIGNATURES);
	buf_clear(&bundle);
	cr_assert(signature_sign(scene.key.handle, KEY_ED25519, statement.data, statement.len,
				 signature, &len));
	bundle_write(statement.data, statement.len, keyid, signature, len, &bundle);
	expect("without PAE", &scene.report,
	       &(struct question){.bundle = &bundle, .key = scene.key_path}, "none", CODE,
	       SIGNATURES);
	buf_release(&bundle);
	scene_sign(&scene.other_report, &scene.key, "null", &bundle);
	expect("another run's bundle", &scene.report,
	       &(struct question){.bundle = &bundle, .key = scene.key_path}, "none", CODE,
	       "statement.subject[0].digest.sha256");
	buf_release(&bundle);
	scene_sign(&scene.report, &scene.stranger, "null", &bundle);
	expect("a stranger's", &scene.report,
	       &(struct question){.bundle = &bundle, .key = scene.key_path}, "none", CODE, "key");
	expect("a stranger's, and nobody asked", &scene.report,
	       &(struct question){.bundle = &bundle}, "self", NULL, NULL);
	expect("missing where it is asked for", &scene.report,
	       &(struct question){.key = scene.key_path}, "none", CODE, "bundle");
	expect("missing where it is asked for, no key", &scene.report,
	       &(struct question){.signature_asked = true}, "none", CODE, "bundle");
	expect("no bundle, nobody asked", &scene.report, &(struct question){.key = NULL}, "self",
	       NULL, NULL);
	buf_release(&bundle);
	buf_release(&statement);
	scene_close(&scene);
}

/* Group B with everything public computed again: only the signature stops it. */
Test(verify_signed, b_a_rewritten_report_is_self_alone_and_invalid_with_the_old_bundle)
{
	struct scene scene;
	struct buf bundle;

	scene_open(&scene);
	scene_sign(&scene.report, &scene.key, "null", &bundle);
	evidence_replace(&scene.report, "00000000Z\"", "00000001Z\"", -1);
	evidence_rehash(&scene.report);
	expect("without the bundle", &scene.report, &(struct question){.key = NULL}, "self", NULL,
	       NULL);
	expect("with it", &scene.report, &(struct question){.bundle = &bundle}, "none", CODE,
	       "statement.subject[0].digest.sha256");
	buf_release(&bundle);
	scene_close(&scene);
}

Test(verify_signed, another_tools_base64_and_keyid_are_read)
{
	struct scene scene;
	struct buf bundle;
	char keyid[128];

	scene_open(&scene);
	scene_sign(&scene.report, &scene.key, "null", &bundle);
	for (char *at = strstr(bundle.data, "\"payload\":\"") + 11; *at != '"'; at++)
		*at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
	for (char *at = strstr(bundle.data, "\"sig\":\"") + 7; *at != '"'; at++)
		*at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
	snprintf(keyid, sizeof(keyid), "{\"keyid\":\"%s\",\"sig\":", scene.key.public.keyid);
	evidence_replace(&bundle, "{\"sig\":", keyid, 0);
	expect("URL-safe", &scene.report,
	       &(struct question){.bundle = &bundle, .key = scene.key_path}, "signed", NULL, NULL);
	buf_release(&bundle);
	scene_close(&scene);
}

/* Nothing of a bundle is without meaning: no bit of it may change, and none of it may be missing.
 */
Test(verify_signed, every_bit_and_every_length_of_a_bundle, .timeout = 300)
{
	struct scene scene;
	struct buf bundle;
	struct question question = {.bundle = &bundle};

	scene_open(&scene);
	question.key = scene.key_path;
	scene_sign(&scene.report, &scene.key, "null", &bundle);
	for (size_t bit = 0; bit < 8 * bundle.len; bit++) {
		struct verdict verdict;

		bundle.data[bit / 8] ^= (char)(1 << bit % 8);
		verify(&scene.report, &question, &verdict);
		if (verdict_valid(&verdict))
			cr_expect_fail("bit %zu of %zu", bit, 8 * bundle.len);
		bundle.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t len = bundle.len; len-- > 0;) {
		struct verdict verdict;

		bundle.len = len;
		verify(&scene.report, &question, &verdict);
		if (verdict_valid(&verdict))
			cr_expect_fail("%zu bytes", len);
	}
	buf_release(&bundle);
	scene_close(&scene);
}

Test(verify_signed, every_byte_and_length_of_a_signed_report, .timeout = 300)
{
	struct scene scene;
	struct buf bundle;
	struct question question = {.bundle = &bundle};
	struct verdict verdict;
	size_t whole;

	scene_open(&scene);
	whole = scene.report.len;
	scene_sign(&scene.report, &scene.key, "null", &bundle);
	for (size_t at = 0; at < whole; at++) {
		scene.report.data[at] ^= (char)(1 << at % 8);
		verify(&scene.report, &question, &verdict);
		if (verdict_valid(&verdict))
			cr_expect_fail("byte %zu", at);
		scene.report.data[at] ^= (char)(1 << at % 8);
	}
	while (scene.report.len-- > 0) {
		verify(&scene.report, &question, &verdict);
		if (verdict_valid(&verdict))
			cr_expect_fail("%zu bytes", scene.report.len);
	}
	scene.report.len = whole;
	verify(&scene.report, &question, &verdict);
	cr_expect(verdict_valid(&verdict), "the control");
	buf_release(&bundle);
	scene_close(&scene);
}

/* --- H: keys and time --- */

static void trust(const struct scene *scene, const struct key_private *key, const char *not_before,
		  const char *not_after, const char *purpose, const char *revoked_at)
{
	struct buf spki, entry;
	char path[700], text[1024];

	buf_init(&spki, 1024);
	buf_init(&entry, 4096);
	base64_append(&spki, key->public.spki, key->public.spki_len);
	snprintf(text, sizeof(text),
		 "{\"algorithm\":\"%s\",\"keyid\":\"%s\",\"notAfter\":%s,\"notBefore\":%s,"
		 "\"publicKey\":\"%.*s\",\"purpose\":\"%s\",\"revokedAt\":%s,"
		 "\"schemaVersion\":\"safe-run.trust/v1\"}",
		 key_algorithm_name(key->public.algorithm), key->public.keyid, not_after,
		 not_before, (int)spki.len, spki.data, purpose, revoked_at);
	snprintf(path, sizeof(path), "%s/%s.json", scene->trust, key->public.keyid);
	child_write_file(path, text, strlen(text));
	cr_assert_eq(chmod(path, 0644), 0);
	buf_release(&spki);
	buf_release(&entry);
}

/* The report was finished in the first seconds of 2026. */
static const struct {
	const char *name, *not_before, *not_after, *purpose, *revoked_at, *trust;
} periods[] = {
	{"no limits", "null", "null", "seal", "null", "signed"},
	{"within", "\"2025-12-31T00:00:00.000000000Z\"", "\"2026-01-02T00:00:00.000000000Z\"",
	 "seal", "null", "signed"},
	{"expired", "null", "\"2025-12-31T23:59:59.999999999Z\"", "seal", "null", "none"},
	{"not yet", "\"2026-01-02T00:00:00.000000000Z\"", "null", "seal", "null", "none"},
	{"wrong purpose", "null", "null", "archive", "null", "none"},
	{"revoked before", "null", "null", "seal", "\"2025-01-01T00:00:00.000000000Z\"", "none"},
	{"revoked after", "null", "null", "seal", "\"2027-01-01T00:00:00.000000000Z\"", "none"},
	{"no such purpose", "null", "null", "both", "null", "none"},
	{"no time", "\"yesterday\"", "null", "seal", "null", "none"},
};

Test(verify_signed, h_periods_and_purposes)
{
	struct scene scene;
	struct buf bundle;

	scene_open(&scene);
	scene_sign(&scene.report, &scene.key, "null", &bundle);
	for (size_t i = 0; i < COUNT(periods); i++) {
		trust(&scene, &scene.key, periods[i].not_before, periods[i].not_after,
		      periods[i].purpose, periods[i].revoked_at);
		expect(periods[i].name, &scene.report,
		       &(struct question){.bundle = &bundle, .trust = scene.trust},
		       periods[i].trust, NULL, NULL);
	}
	/* A revocation holds against the same key named on the command line. */
	trust(&scene, &scene.key, "null", "null", "seal", "\"2027-01-01T00:00:00.000000000Z\"");
	expect("revoked, and named", &scene.report,
	       &(struct question){.bundle = &bundle, .key = scene.key_path, .trust = scene.trust},
	       "none", CODE, "key");
	/* Who names a key wants that one, whoever else is trusted. */
	trust(&scene, &scene.key, "null", "null", "seal", "null");
	expect("trusted, and another named", &scene.report,
	       &(struct question){.bundle = &bundle, .key = scene.p256_path, .trust = scene.trust},
	       "none", CODE, "key");
	expect("trusted, and named", &scene.report,
	       &(struct question){.bundle = &bundle, .key = scene.key_path, .trust = scene.trust},
	       "signed", NULL, NULL);
	buf_release(&bundle);
	scene_sign(&scene.report, &scene.archive, "null", &bundle);
	expect("an archive's key, named", &scene.report,
	       &(struct question){.bundle = &bundle, .key = scene.archive_path}, "none", CODE,
	       "key");
	buf_release(&bundle);
	scene_close(&scene);
}

Test(verify_signed, h_a_trust_directory_others_can_change)
{
	struct scene scene;
	struct buf bundle;
	char path[700];

	scene_open(&scene);
	scene_sign(&scene.report, &scene.key, "null", &bundle);
	trust(&scene, &scene.key, "null", "null", "seal", "null");
	cr_assert_eq(chmod(scene.trust, 0777), 0);
	expect("directory", &scene.report,
	       &(struct question){.bundle = &bundle, .trust = scene.trust}, "none", CODE,
	       scene.trust);
	cr_assert_eq(chmod(scene.trust, 0755), 0);
	snprintf(path, sizeof(path), "%s.json", scene.key.public.keyid);
	trust(&scene, &scene.key, "null", "null", "seal", "null");
	{
		char whole[1400];

		snprintf(whole, sizeof(whole), "%s/%s", scene.trust, path);
		cr_assert_eq(chmod(whole, 0666), 0);
		expect("entry", &scene.report,
		       &(struct question){.bundle = &bundle, .trust = scene.trust}, "none", CODE,
		       path);
		/* Under the name of a trusted key another one. */
		cr_assert_eq(unlink(whole), 0);
		trust(&scene, &scene.stranger, "null", "null", "seal", "null");
		{
			char strange[1400];

			snprintf(strange, sizeof(strange), "%s/%s.json", scene.trust,
				 scene.stranger.public.keyid);
			cr_assert_eq(rename(strange, whole), 0);
		}
		expect("another key", &scene.report,
		       &(struct question){.bundle = &bundle, .trust = scene.trust}, "none", CODE,
		       path);
	}
	buf_release(&bundle);
	scene_close(&scene);
}

/* The tests' challenge has every escape there is. */
Test(verify_signed, h_the_challenge)
{
	static const char place[] = "events[0].payload.challenge";
	struct scene scene;
	struct buf stream;
	struct span first, text;
	struct json_object *said;
	char member[1024];

	scene_open(&scene);
	buf_init(&stream, EVIDENCE_MAX);
	evidence_finished(&stream);
	first = (struct span){stream.data, strcspn(stream.data, "\n")};
	text = span_get(span_get(first, "payload"), "challenge");
	snprintf(member, sizeof(member), "%.*s", (int)text.len, text.at);
	said = json_tokener_parse(member);
	expect("the right one", &scene.report,
	       &(struct question){.challenge = json_object_get_string(said)}, "self", NULL, NULL);
	expect("another", &scene.report, &(struct question){.challenge = "hello"}, "none",
	       "SR-EVD-307", place);
	snprintf(member, sizeof(member), "\"challenge\":%.*s,", (int)text.len, text.at);
	evidence_replace(&stream, member, "", 0);
	buf_clear(&scene.report);
	evidence_seal(&stream, &scene.report);
	expect("none", &scene.report, &(struct question){.challenge = json_object_get_string(said)},
	       "none", "SR-EVD-307", place);
	json_object_put(said);
	buf_release(&stream);
	scene_close(&scene);
}

/* --- the run before --- */

static void line(struct buf *chain, const struct buf *bundle, const char *run_id)
{
	char hash[DIGEST_TEXT_SIZE];
	uint8_t sum[DIGEST_SIZE];

	digest_bytes(bundle->data, bundle->len, sum);
	digest_text(sum, hash);
	buf_append_text(chain, "{\"bundleDigest\":\"");
	buf_append_text(chain, hash);
	buf_append_text(chain, "\",\"runId\":\"");
	buf_append_text(chain, run_id);
	buf_append_text(chain, "\"}");
}

Test(verify_signed, h_a_gap_in_prev)
{
	static const char first_id[] = "sr-20260101-000000-0badcafe";
	struct scene scene;
	struct buf first, other, second, chain, prev;

	scene_open(&scene);
	buf_init(&chain, EVIDENCE_MAX);
	buf_init(&prev, EVIDENCE_MAX);
	/* Both reports of the tests have one run id; the one before is given another place. */
	scene_sign(&scene.other_report, &scene.key, "null", &first);
	scene_sign(&scene.other_report, &scene.p256, "null", &other);
	line(&prev, &first, first_id);
	buf_append(&prev, "", 1);
	scene_sign(&scene.report, &scene.key, prev.data, &second);
	expect("the one before", &scene.report,
	       &(struct question){.bundle = &second, .prev = &first, .key = scene.key_path},
	       "signed", NULL, NULL);
	expect("another before", &scene.report,
	       &(struct question){.bundle = &second, .prev = &other, .key = scene.key_path}, "none",
	       "SR-EVD-308", "statement.predicate.prev");
	expect("one before the first", &scene.other_report,
	       &(struct question){.bundle = &first, .prev = &other, .key = scene.key_path}, "none",
	       "SR-EVD-308", "statement.predicate.prev");
	line(&chain, &first, "sr-20260101-000000-00000001");
	buf_append_text(&chain, "\n");
	line(&chain, &second, first_id);
	buf_append_text(&chain, "\n");
	expect("a chain with another name for the run before", &scene.report,
	       &(struct question){.bundle = &second, .chain = &chain, .key = scene.key_path},
	       "none", "SR-EVD-308", "statement.predicate.prev");
	buf_release(&first);
	buf_release(&other);
	buf_release(&second);
	buf_release(&chain);
	buf_release(&prev);
	scene_close(&scene);
}
