/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/prove/vouch.h"

#include "stages/verify/bundle.h"
#include "stages/verify/hash_text.h"

#include <string.h>

#define CODE FAULT_REPORT_SIGNATURE

static struct span field(const struct bundle *bundle, enum statement_field name)
{
	return bundle->statement.fields[name];
}

static bool says(const struct bundle *bundle, enum statement_field name, struct span text)
{
	struct span found;

	return span_string(field(bundle, name), &found) && span_same(found, text);
}

/* The first thing the statement says otherwise; NULL when it speaks of this very tree. */
static const char *difference(const struct bundle *bundle, const struct proof *proof)
{
	inclusion_hash root;
	struct span text;
	int64_t count;

	if (!says(bundle, STATEMENT_RUN_ID, proof->run_id))
		return "the bundle is about another run";
	if (!says(bundle, STATEMENT_REPORT, proof->digest))
		return "the bundle is about another report of this run";
	if (!span_integer(field(bundle, STATEMENT_EVENT_COUNT), &count) || count < 0 ||
	    (uint64_t)count != proof->size)
		return "the bundle is about another number of events";
	if (!span_string(field(bundle, STATEMENT_MERKLE_ROOT), &text) ||
	    !hash_text_read(text, root) || memcmp(root, proof->root, DIGEST_SIZE) != 0)
		return "the bundle is about another root";
	return NULL;
}

static enum fault_code refuse(struct fault *fault, const char *path, const char *what)
{
	return fault_set(fault, CODE, path, "%s", what);
}

static enum fault_code check_signature(const struct vouch *vouch, const struct bundle *bundle,
				       struct fault *fault)
{
	const struct keyring_key *key = keyring_find(&vouch->keys, bundle->keyid);
	char finished_at[EVENT_TIMESTAMP_SIZE];
	struct span text;

	if (key == NULL)
		return fault_set(fault, CODE, "key",
				 "signed by key %s, which is none of those trusted here",
				 bundle->keyid);
	if (!bundle_signed_by(bundle, &key->key))
		return refuse(fault, "bundle", "not a signature of that key over this statement");
	if (!span_string(field(bundle, STATEMENT_FINISHED_AT), &text) ||
	    !span_copy(text, finished_at, sizeof(finished_at)) ||
	    !event_timestamp_valid(finished_at))
		return refuse(fault, "statement.predicate.finishedAt", "a time must stand here");
	return keyring_admit(key, KEY_PURPOSE_SEAL, finished_at, fault);
}

static enum fault_code read_all(struct vouch *vouch, struct fault *fault)
{
	*fault = vouch->open_fault;
	if (fault->code != FAULT_NONE ||
	    side_file_read(&vouch->bundle, BUNDLE_MAX, CODE, fault) != FAULT_NONE)
		return fault->code;
	return keyring_read(&vouch->keys, fault);
}

static enum fault_code check(struct vouch *vouch, struct examination *examination,
			     struct fault *fault)
{
	struct bundle bundle;
	const char *differs;
	enum fault_code code = bundle_read(side_file_text(&vouch->bundle), &bundle, fault);

	if (code == FAULT_NONE)
		code = check_signature(vouch, &bundle, fault);
	if (code == FAULT_NONE && examination->readable) {
		differs = difference(&bundle, &examination->proof);
		if (differs != NULL)
			code = refuse(fault, "bundle", differs);
		else
			memcpy(examination->signer, bundle.keyid, sizeof(examination->signer));
	}
	bundle_release(&bundle);
	return code;
}

void vouch_check(struct vouch *vouch, struct examination *examination)
{
	struct fault fault;
	enum fault_code code;

	checklist_ask(&examination->list, EXAMINE_SIGNATURE);
	code = read_all(vouch, &fault);
	if (code == FAULT_NONE)
		code = check(vouch, examination, &fault);
	if (code != FAULT_NONE)
		checklist_refuse(&examination->list, EXAMINE_SIGNATURE, &fault);
	else if (examination->readable)
		checklist_pass(&examination->list, EXAMINE_SIGNATURE);
}

void vouch_release(struct vouch *vouch)
{
	side_file_release(&vouch->bundle);
	keyring_release(&vouch->keys);
}
