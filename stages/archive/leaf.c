/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/leaf.h"

#include "ipc/canon.h"
#include "stages/seal/shape.h"
#include "stages/verify/hash_text.h"

#include <inttypes.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct shape_field archive_fields[] = {
	SHAPE_FIELD("bundleId", SHAPE_STRING),
	SHAPE_FIELD("retention", SHAPE_STRING),
	SHAPE_FIELD("storedAt", SHAPE_STRING),
};
static const struct shape archive_shape = {archive_fields, COUNT(archive_fields), SHAPE_CLOSED};

static const struct shape_field report_fields[] = {
	SHAPE_FIELD("bytes", SHAPE_INTEGER),
	SHAPE_FIELD("digest", SHAPE_HASH),
	SHAPE_FIELD("sha256", SHAPE_HASH),
};
static const struct shape report_shape = {report_fields, COUNT(report_fields), SHAPE_CLOSED};

static const struct shape_field run_fields[] = {
	SHAPE_FIELD("exitCode", SHAPE_INTEGER),
	SHAPE_FIELD("startedAt", SHAPE_STRING),
	SHAPE_FIELD("state", SHAPE_STRING),
};
static const struct shape run_shape = {run_fields, COUNT(run_fields), SHAPE_CLOSED};

static const struct shape_field signature_fields[] = {
	SHAPE_FIELD("bytes", SHAPE_INTEGER),
	SHAPE_FIELD("sha256", SHAPE_HASH),
};
static const struct shape signature_shape = {signature_fields, COUNT(signature_fields),
					     SHAPE_CLOSED};

static const struct shape_field verification_fields[] = {
	SHAPE_FIELD("algorithm", SHAPE_STRING),	 SHAPE_FIELD("keyid", SHAPE_STRING | SHAPE_NULL),
	SHAPE_FIELD("result", SHAPE_STRING),	 SHAPE_FIELD("trust", SHAPE_STRING),
	SHAPE_FIELD("verifiedAt", SHAPE_STRING),
};
static const struct shape verification_shape = {verification_fields, COUNT(verification_fields),
						SHAPE_CLOSED};

static const struct shape_field leaf_fields[] = {
	SHAPE_NESTED("archive", SHAPE_OBJECT, archive_shape),
	SHAPE_NESTED("report", SHAPE_OBJECT, report_shape),
	SHAPE_NESTED("run", SHAPE_OBJECT, run_shape),
	SHAPE_FIELD("runId", SHAPE_STRING),
	SHAPE_FIELD("schemaVersion", SHAPE_STRING),
	SHAPE_NESTED("signature", SHAPE_OBJECT | SHAPE_NULL, signature_shape),
	SHAPE_NESTED("verification", SHAPE_OBJECT, verification_shape),
};
static const struct shape leaf_shape = {leaf_fields, COUNT(leaf_fields), SHAPE_CLOSED};

void leaf_identify(struct leaf *leaf)
{
	static const uint8_t no_signature[DIGEST_SIZE];
	struct digest *running = digest_new();
	uint8_t value[DIGEST_SIZE];
	char text[DIGEST_TEXT_SIZE];

	digest_update(running, LEAF_SCHEMA, sizeof(LEAF_SCHEMA)); /* its NUL ends it */
	digest_update(running, leaf->report.hash, DIGEST_SIZE);
	digest_update(running, leaf->is_signed ? leaf->signature.hash : no_signature, DIGEST_SIZE);
	digest_value(running, value);
	digest_free(running);
	digest_text(value, text);
	memcpy(leaf->bundle_id, "sb-", 3);
	memcpy(leaf->bundle_id + 3, text + strlen("sha256:"), 2 * (size_t)DIGEST_SIZE + 1);
}

bool leaf_id_valid(const char *text)
{
	return strnlen(text, LEAF_ID_SIZE) == LEAF_ID_SIZE - 1 && memcmp(text, "sb-", 3) == 0 &&
	       strspn(text + 3, "0123456789abcdef") == 2 * (size_t)DIGEST_SIZE;
}

/* ,"name":"text" or without the comma behind a brace; every text here is one we chose or checked.
 */
static void put_string(struct buf *out, const char *lead, const char *text)
{
	buf_append_text(out, lead);
	canon_write_string(out, text, strlen(text));
}

static void put_number(struct buf *out, const char *lead, uint64_t number)
{
	buf_append_text(out, lead);
	buf_append_u64(out, number);
}

static void put_hash(struct buf *out, const char *lead, const uint8_t hash[DIGEST_SIZE])
{
	char text[DIGEST_TEXT_SIZE];

	digest_text(hash, text);
	put_string(out, lead, text);
}

static void put_verification(struct buf *out, const struct leaf *leaf)
{
	put_string(out, ",\"verification\":{\"algorithm\":", leaf->algorithm);
	if (leaf->keyid[0] == '\0')
		buf_append_text(out, ",\"keyid\":null");
	else
		put_string(out, ",\"keyid\":", leaf->keyid);
	put_string(out, ",\"result\":", leaf->result);
	put_string(out, ",\"trust\":", leaf->trust);
	put_string(out, ",\"verifiedAt\":", leaf->verified_at);
	buf_append_text(out, "}");
}

void leaf_write(const struct leaf *leaf, struct buf *out)
{
	put_string(out, "{\"archive\":{\"bundleId\":", leaf->bundle_id);
	put_string(out, ",\"retention\":", leaf->retention);
	put_string(out, ",\"storedAt\":", leaf->stored_at);
	put_number(out, "},\"report\":{\"bytes\":", leaf->report.len);
	put_string(out, ",\"digest\":", leaf->report_digest);
	put_hash(out, ",\"sha256\":", leaf->report.hash);
	put_number(out, "},\"run\":{\"exitCode\":", (uint64_t)leaf->exit_code);
	put_string(out, ",\"startedAt\":", leaf->started_at);
	put_string(out, ",\"state\":", leaf->state);
	put_string(out, "},\"runId\":", leaf->run_id);
	put_string(out, ",\"schemaVersion\":", LEAF_SCHEMA);
	if (leaf->is_signed) {
		put_number(out, ",\"signature\":{\"bytes\":", leaf->signature.len);
		put_hash(out, ",\"sha256\":", leaf->signature.hash);
		buf_append_text(out, "}");
	} else {
		buf_append_text(out, ",\"signature\":null");
	}
	put_verification(out, leaf);
	buf_append_text(out, "}");
}

static enum fault_code wrong(struct fault *fault, const char *path, const char *what)
{
	return fault_set(fault, FAULT_REPORT_SCHEMA, path, "%s", what);
}

/* The words of a leaf hold no character that would have to be escaped. */
static bool get_word(struct span object, const char *name, char *out, size_t size)
{
	struct span text;

	return span_string(span_get(object, name), &text) && text.len > 0 &&
	       memchr(text.at, '\\', text.len) == NULL && span_copy(text, out, size);
}

static bool get_body(struct span object, struct leaf_body *body)
{
	struct span text;
	int64_t len;

	if (!span_integer(span_get(object, "bytes"), &len) || len < 0 ||
	    !span_string(span_get(object, "sha256"), &text) || !hash_text_read(text, body->hash))
		return false;
	body->len = (uint64_t)len;
	return true;
}

static enum fault_code read_archive(struct span archive, struct leaf *leaf, struct fault *fault)
{
	char claimed[LEAF_ID_SIZE];
	uint64_t seconds;

	if (!get_word(archive, "bundleId", claimed, sizeof(claimed)) || !leaf_id_valid(claimed))
		return wrong(fault, "archive.bundleId", "not a bundle id");
	leaf_identify(leaf);
	if (strcmp(claimed, leaf->bundle_id) != 0)
		return wrong(fault, "archive.bundleId", "not the id that the hashes give");
	if (!get_word(archive, "retention", leaf->retention, sizeof(leaf->retention)) ||
	    !retention_read(leaf->retention, &seconds))
		return wrong(fault, "archive.retention", "not a retention like 180d");
	if (!get_word(archive, "storedAt", leaf->stored_at, sizeof(leaf->stored_at)) ||
	    !retention_moment(leaf->stored_at, &seconds))
		return wrong(fault, "archive.storedAt", "not a time");
	return FAULT_NONE;
}

static enum fault_code read_run(struct span line, struct leaf *leaf, struct fault *fault)
{
	struct span run = span_get(line, "run");

	if (!get_word(line, "runId", leaf->run_id, sizeof(leaf->run_id)) ||
	    !runid_valid(leaf->run_id))
		return wrong(fault, "runId", "not a run id");
	if (!span_integer(span_get(run, "exitCode"), &leaf->exit_code) || leaf->exit_code < 0)
		return wrong(fault, "run.exitCode", "not an exit code");
	if (!get_word(run, "startedAt", leaf->started_at, sizeof(leaf->started_at)) ||
	    !event_timestamp_valid(leaf->started_at))
		return wrong(fault, "run.startedAt", "not a time");
	if (!get_word(run, "state", leaf->state, sizeof(leaf->state)))
		return wrong(fault, "run.state", "not a word");
	return FAULT_NONE;
}

static enum fault_code read_verification(struct span object, struct leaf *leaf, struct fault *fault)
{
	struct span keyid = span_get(object, "keyid");

	leaf->keyid[0] = '\0';
	if (!get_word(object, "algorithm", leaf->algorithm, sizeof(leaf->algorithm)) ||
	    !get_word(object, "result", leaf->result, sizeof(leaf->result)) ||
	    !get_word(object, "trust", leaf->trust, sizeof(leaf->trust)))
		return wrong(fault, "verification", "not what the verifier says");
	if (!span_null(keyid) && (!get_word(object, "keyid", leaf->keyid, sizeof(leaf->keyid)) ||
				  !key_id_valid(leaf->keyid)))
		return wrong(fault, "verification.keyid", "not a key's id");
	if (!get_word(object, "verifiedAt", leaf->verified_at, sizeof(leaf->verified_at)) ||
	    !event_timestamp_valid(leaf->verified_at))
		return wrong(fault, "verification.verifiedAt", "not a time");
	return FAULT_NONE;
}

static enum fault_code read_bodies(struct span line, struct leaf *leaf, struct fault *fault)
{
	struct span report = span_get(line, "report"), signature = span_get(line, "signature");

	if (!get_body(report, &leaf->report) ||
	    !get_word(report, "digest", leaf->report_digest, sizeof(leaf->report_digest)))
		return wrong(fault, "report", "not a body");
	leaf->is_signed = !span_null(signature);
	if (leaf->is_signed && !get_body(signature, &leaf->signature))
		return wrong(fault, "signature", "not a body");
	return FAULT_NONE;
}

enum fault_code leaf_read(struct span line, struct leaf *leaf, struct fault *fault)
{
	size_t offset = 0;
	enum fault_code code;

	*leaf = (struct leaf){.is_signed = false};
	if (line.len > LEAF_LEN_MAX || !canon_check(line.at, line.len, &offset))
		return fault_set(fault, FAULT_REPORT_CANONICAL, "",
				 "not canonical JSON at byte %zu of %zu", offset, line.len);
	if (span_kind(line) != SPAN_OBJECT)
		return wrong(fault, "", "a leaf is an object");
	code = shape_check(&leaf_shape, line, "", FAULT_REPORT_SCHEMA, fault);
	if (code == FAULT_NONE && !span_says(span_get(line, "schemaVersion"), LEAF_SCHEMA))
		code = wrong(fault, "schemaVersion", "only " LEAF_SCHEMA " is known here");
	if (code == FAULT_NONE)
		code = read_bodies(line, leaf, fault);
	if (code == FAULT_NONE)
		code = read_archive(span_get(line, "archive"), leaf, fault);
	if (code == FAULT_NONE)
		code = read_run(line, leaf, fault);
	if (code == FAULT_NONE)
		code = read_verification(span_get(line, "verification"), leaf, fault);
	return code;
}
