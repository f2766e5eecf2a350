/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/prove/proof.h"

#include "ipc/canon.h"
#include "ipc/runid.h"
#include "stages/seal/chain.h"
#include "stages/seal/merkle.h"
#include "stages/seal/shape.h"
#include "stages/verify/hash_text.h"

#include <inttypes.h>
#include <string.h>

static const struct shape_field closing_fields[] = {
	SHAPE_FIELD("event", SHAPE_OBJECT),
	SHAPE_FIELD("path", SHAPE_ARRAY),
};
static const struct shape closing_shape = {closing_fields, 2, SHAPE_CLOSED};

static const struct shape_field report_fields[] = {
	SHAPE_FIELD("digest", SHAPE_HASH),
	SHAPE_FIELD("runId", SHAPE_STRING),
};
static const struct shape report_shape = {report_fields, 2, SHAPE_CLOSED};

static const struct shape_field proof_fields[] = {
	SHAPE_NESTED("closing", SHAPE_OBJECT, closing_shape),
	SHAPE_FIELD("event", SHAPE_OBJECT),
	SHAPE_FIELD("index", SHAPE_INTEGER),
	SHAPE_FIELD("path", SHAPE_ARRAY),
	SHAPE_NESTED("report", SHAPE_OBJECT, report_shape),
	SHAPE_FIELD("root", SHAPE_HASH),
	SHAPE_FIELD("schemaVersion", SHAPE_STRING),
	SHAPE_FIELD("size", SHAPE_INTEGER),
};
static const struct shape proof_shape = {
	.fields = proof_fields,
	.field_count = sizeof(proof_fields) / sizeof(proof_fields[0]),
	.openness = SHAPE_CLOSED,
};

static enum fault_code wrong(struct fault *fault, const char *path, const char *what)
{
	return fault_set(fault, FAULT_REPORT_SCHEMA, path, "%s", what);
}

static enum fault_code read_path(struct span object, const char *place, struct inclusion_path *path,
				 struct fault *fault)
{
	struct span_walk walk;
	struct span element, text;

	path->len = 0;
	if (!span_walk_array(span_get(object, "path"), &walk))
		return wrong(fault, place, "an array must stand here");
	while (span_next_element(&walk, &element)) {
		if (path->len == INCLUSION_PATH_MAX)
			return wrong(fault, place, "a path has at most 64 hashes");
		if (!span_string(element, &text) ||
		    !hash_text_read(text, path->hashes[path->len++]))
			return wrong(fault, place,
				     "an element is not \"sha256:<64 lower-case hex>\"");
	}
	return FAULT_NONE;
}

static bool read_count(struct span value, uint64_t *out)
{
	int64_t number;

	if (!span_integer(value, &number) || number < 0)
		return false;
	*out = (uint64_t)number;
	return true;
}

static enum fault_code read_scalars(struct span text, struct proof *proof, struct fault *fault)
{
	struct span report = span_get(text, "report");
	struct span root;
	char run_id[RUNID_SIZE];

	if (!span_says(span_get(text, "schemaVersion"), PROOF_SCHEMA))
		return wrong(fault, "schemaVersion", "only " PROOF_SCHEMA " is known here");
	if (!read_count(span_get(text, "index"), &proof->index) ||
	    !read_count(span_get(text, "size"), &proof->size))
		return wrong(fault, "size", "index and size count events");
	if (!span_string(span_get(text, "root"), &root) || !hash_text_read(root, proof->root))
		return wrong(fault, "root", "not a hash");
	if (!span_string(span_get(report, "digest"), &proof->digest))
		return wrong(fault, "report.digest", "not a hash");
	if (!span_string(span_get(report, "runId"), &proof->run_id) ||
	    !span_copy(proof->run_id, run_id, sizeof(run_id)) || !runid_valid(run_id))
		return wrong(fault, "report.runId", "not a run id");
	return FAULT_NONE;
}

enum fault_code proof_read(struct span text, struct proof *proof, struct fault *fault)
{
	struct span closing;
	enum fault_code code;

	if (span_kind(text) != SPAN_OBJECT)
		return wrong(fault, "", "a proof is an object");
	code = shape_check(&proof_shape, text, "", FAULT_REPORT_SCHEMA, fault);
	if (code != FAULT_NONE)
		return code;
	closing = span_get(text, "closing");
	proof->subject.event = span_get(text, "event");
	proof->closing.event = span_get(closing, "event");
	code = read_scalars(text, proof, fault);
	if (code == FAULT_NONE)
		code = read_path(text, "path", &proof->subject.path, fault);
	if (code == FAULT_NONE)
		code = read_path(closing, "closing.path", &proof->closing.path, fault);
	return code;
}

static void write_hash(struct buf *out, const inclusion_hash hash)
{
	char text[DIGEST_TEXT_SIZE];

	digest_text(hash, text);
	canon_write_string(out, text, strlen(text));
}

static void write_leaf(struct buf *out, const struct proof_leaf *leaf, const char *between)
{
	buf_append_text(out, "\"event\":");
	buf_append(out, leaf->event.at, leaf->event.len);
	buf_append_text(out, between);
	buf_append_text(out, ",\"path\":[");
	for (size_t i = 0; i < leaf->path.len; i++) {
		if (i > 0)
			buf_append_text(out, ",");
		write_hash(out, leaf->path.hashes[i]);
	}
	buf_append_text(out, "]");
}

static void write_string(struct buf *out, struct span text)
{
	buf_append_text(out, "\"");
	buf_append(out, text.at, text.len);
	buf_append_text(out, "\"");
}

void proof_write(const struct proof *proof, struct buf *out)
{
	struct buf index BUF_CLEANUP;

	buf_init(&index, 64);
	buf_append_text(&index, ",\"index\":");
	buf_append_u64(&index, proof->index);
	buf_append(&index, "", 1);
	buf_append_text(out, "{\"closing\":{");
	write_leaf(out, &proof->closing, "");
	buf_append_text(out, "},");
	write_leaf(out, &proof->subject, index.data);
	buf_append_text(out, ",\"report\":{\"digest\":");
	write_string(out, proof->digest);
	buf_append_text(out, ",\"runId\":");
	write_string(out, proof->run_id);
	buf_append_text(out, "},\"root\":");
	write_hash(out, proof->root);
	buf_append_text(out, ",\"schemaVersion\":\"" PROOF_SCHEMA "\",\"size\":");
	buf_append_u64(out, proof->size);
	buf_append_text(out, "}");
}

enum fault_code proof_check_event(const struct proof *proof, const struct proof_leaf *leaf,
				  uint64_t index, struct head *head, struct fault *fault)
{
	struct chain chain;
	enum chain_break broken;
	enum fault_code code =
		head_scan(leaf->event, HEAD_SEALED, FAULT_REPORT_SCHEMA, head, fault);

	if (code != FAULT_NONE)
		return code;
	/* Its own hash is looked at alone; which event came before is not in a proof. */
	chain_init(&chain);
	if (!span_copy(head->hash_prev, chain.last, sizeof(chain.last)))
		chain.last[0] = '\0';
	broken = chain_check(&chain, head);
	chain_release(&chain);
	if (broken != CHAIN_WHOLE)
		return fault_set(fault, FAULT_REPORT_CHAIN, "hashSelf",
				 "not the hash of this event: it was changed");
	if (!span_same(head->run_id, proof->run_id))
		return wrong(fault, "runId", "the event is of another run than the proof");
	if (head->seq != index)
		return fault_set(fault, FAULT_REPORT_SCHEMA, "seq",
				 "event %" PRIu64 " cannot be leaf %" PRIu64, head->seq, index);
	return FAULT_NONE;
}

static bool leaf_included(const struct proof *proof, const struct proof_leaf *leaf, uint64_t index)
{
	inclusion_hash hash;

	merkle_leaf(leaf->event.at, leaf->event.len, hash);
	return inclusion_check(hash, index, proof->size, &leaf->path, proof->root);
}

enum fault_code proof_check_path(const struct proof *proof, struct fault *fault)
{
	if (proof->index >= proof->size)
		return fault_set(fault, FAULT_REPORT_CHAIN, "index",
				 "there is no leaf %" PRIu64 " among %" PRIu64, proof->index,
				 proof->size);
	if (!leaf_included(proof, &proof->subject, proof->index))
		return fault_set(fault, FAULT_REPORT_CHAIN, "path",
				 "the path does not lead from this event at %" PRIu64 " of %" PRIu64
				 " to the root",
				 proof->index, proof->size);
	return FAULT_NONE;
}

enum fault_code proof_check_size(const struct proof *proof, struct fault *fault)
{
	struct head head;
	int64_t counted;
	enum fault_code code;

	if (proof->size == 0)
		return wrong(fault, "size", "a report has events");
	code = proof_check_event(proof, &proof->closing, proof->size - 1, &head, fault);
	if (code != FAULT_NONE)
		return code;
	if (!event_type_closes(head.type))
		return wrong(fault, "closing.event.type", "not an event that ends a run");
	if (!span_integer(span_get(head.payload, "eventCount"), &counted) || counted < 0 ||
	    (uint64_t)counted != proof->size)
		return fault_set(fault, FAULT_REPORT_CHAIN, "size",
				 "the closing event does not count %" PRIu64 " events",
				 proof->size);
	if (!leaf_included(proof, &proof->closing, proof->size - 1))
		return fault_set(fault, FAULT_REPORT_CHAIN, "closing.path",
				 "the path does not lead from the closing event to the root");
	return FAULT_NONE;
}
