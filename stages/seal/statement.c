/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/statement.h"

#include "stages/seal/shape.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const names[STATEMENT_FIELD_COUNT] = {
	[STATEMENT_ARTIFACTS] = "artifacts",
	[STATEMENT_CHAIN_HEAD] = "chainHead",
	[STATEMENT_EVENT_COUNT] = "eventCount",
	[STATEMENT_EXIT_CODE] = "exitCode",
	[STATEMENT_FINISHED_AT] = "finishedAt",
	[STATEMENT_MERKLE_ROOT] = "merkleRoot",
	[STATEMENT_PREV] = "prev",
	[STATEMENT_REPORT] = "reportDigest",
	[STATEMENT_RUN_ID] = "runId",
	[STATEMENT_SIGNER] = "signer",
	[STATEMENT_STARTED_AT] = "startedAt",
	[STATEMENT_SHA256] = "sha256",
};

static const struct shape_field prev_fields[] = {
	SHAPE_FIELD("bundleDigest", SHAPE_HASH),
	SHAPE_FIELD("runId", SHAPE_STRING),
};
static const struct shape prev_shape = {prev_fields, COUNT(prev_fields), SHAPE_CLOSED};

static const struct shape_field signer_fields[] = {
	SHAPE_FIELD("keyid", SHAPE_STRING),
	SHAPE_FIELD("where", SHAPE_STRING),
};
static const struct shape signer_shape = {signer_fields, COUNT(signer_fields), SHAPE_CLOSED};

/* Artifacts are compared with the report's, whatever those are. */
static const struct shape_field predicate_fields[] = {
	SHAPE_FIELD("artifacts", SHAPE_OBJECT),
	SHAPE_FIELD("chainHead", SHAPE_HASH),
	SHAPE_FIELD("eventCount", SHAPE_INTEGER),
	SHAPE_FIELD("exitCode", SHAPE_INTEGER | SHAPE_NULL),
	SHAPE_FIELD("finishedAt", SHAPE_STRING | SHAPE_NULL),
	SHAPE_FIELD("merkleRoot", SHAPE_HASH),
	SHAPE_NESTED("prev", SHAPE_OBJECT | SHAPE_NULL, prev_shape),
	SHAPE_FIELD("reportDigest", SHAPE_HASH),
	SHAPE_FIELD("runId", SHAPE_STRING),
	SHAPE_NESTED("signer", SHAPE_OBJECT, signer_shape),
	SHAPE_FIELD("startedAt", SHAPE_STRING),
};
static const struct shape predicate_shape = {predicate_fields, COUNT(predicate_fields),
					     SHAPE_CLOSED};

static const struct shape_field digest_fields[] = {SHAPE_FIELD("sha256", SHAPE_STRING)};
static const struct shape digest_shape = {digest_fields, COUNT(digest_fields), SHAPE_CLOSED};

static const struct shape_field subject_fields[] = {
	SHAPE_NESTED("digest", SHAPE_OBJECT, digest_shape),
	SHAPE_FIELD("name", SHAPE_STRING),
};
static const struct shape subject_shape = {subject_fields, COUNT(subject_fields), SHAPE_CLOSED};

static const struct shape_field statement_fields[] = {
	SHAPE_FIELD("_type", SHAPE_STRING),
	SHAPE_NESTED("predicate", SHAPE_OBJECT, predicate_shape),
	SHAPE_FIELD("predicateType", SHAPE_STRING),
	SHAPE_NESTED("subject", SHAPE_ARRAY, subject_shape),
};
static const struct shape statement_shape = {statement_fields, COUNT(statement_fields),
					     SHAPE_CLOSED};

const char *statement_field_name(enum statement_field field)
{
	return names[field];
}

void statement_write(const struct statement *statement, struct buf *out)
{
	buf_append_text(out, "{\"_type\":\"" STATEMENT_TYPE "\",\"predicate\":");
	for (enum statement_field field = 0; field < STATEMENT_SHA256; field++) {
		buf_append_text(out, field == 0 ? "{\"" : ",\"");
		buf_append_text(out, names[field]);
		buf_append_text(out, "\":");
		buf_append(out, statement->fields[field].at, statement->fields[field].len);
	}
	buf_append_text(out, "},\"predicateType\":\"" STATEMENT_PREDICATE
			     "\",\"subject\":[{\"digest\":{\"sha256\":");
	buf_append(out, statement->fields[STATEMENT_SHA256].at,
		   statement->fields[STATEMENT_SHA256].len);
	buf_append_text(out, "},\"name\":\"" STATEMENT_SUBJECT "\"}]}");
}

/* Exactly one subject, the report. */
static bool read_subject(struct span subjects, struct statement *statement)
{
	struct span_walk walk;
	struct span first, second, hex;

	if (!span_walk_array(subjects, &walk) || !span_next_element(&walk, &first) ||
	    span_next_element(&walk, &second) ||
	    !span_says(span_get(first, "name"), STATEMENT_SUBJECT))
		return false;
	statement->fields[STATEMENT_SHA256] = span_get(span_get(first, "digest"), "sha256");
	return span_string(statement->fields[STATEMENT_SHA256], &hex) &&
	       hex.len == STATEMENT_HEX_SIZE - 1;
}

enum fault_code statement_read(struct span text, enum fault_code code, struct statement *statement,
			       struct fault *fault)
{
	struct span predicate = span_get(text, "predicate");

	*statement = (struct statement){0};
	if (!span_says(span_get(text, "_type"), STATEMENT_TYPE))
		return fault_set(fault, code, "statement._type",
				 "only " STATEMENT_TYPE " is known here");
	if (!span_says(span_get(text, "predicateType"), STATEMENT_PREDICATE))
		return fault_set(fault, code, "statement.predicateType",
				 "it says something else than " STATEMENT_PREDICATE);
	if (shape_check(&statement_shape, text, "statement", code, fault) != FAULT_NONE)
		return fault->code;
	for (enum statement_field field = 0; field < STATEMENT_SHA256; field++)
		statement->fields[field] = span_get(predicate, names[field]);
	if (!read_subject(span_get(text, "subject"), statement))
		return fault_set(fault, code, "statement.subject",
				 "one subject must stand here, " STATEMENT_SUBJECT
				 " with its SHA-256");
	return FAULT_NONE;
}
