/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/log_proof.h"

#include "ipc/canon.h"
#include "stages/seal/merkle.h"
#include "stages/seal/shape.h"
#include "stages/verify/hash_text.h"

#include <inttypes.h>
#include <string.h>

static const struct shape_field fields[] = {
	SHAPE_FIELD("checkpoint", SHAPE_STRING),    SHAPE_FIELD("index", SHAPE_INTEGER),
	SHAPE_FIELD("leaf", SHAPE_OBJECT),	    SHAPE_FIELD("path", SHAPE_ARRAY),
	SHAPE_FIELD("schemaVersion", SHAPE_STRING), SHAPE_FIELD("size", SHAPE_INTEGER),
};
static const struct shape shape = {fields, sizeof(fields) / sizeof(fields[0]), SHAPE_CLOSED};

static enum fault_code wrong(struct fault *fault, const char *path, const char *what)
{
	return fault_set(fault, FAULT_REPORT_SCHEMA, path, "%s", what);
}

/* A part's own reader has said what is wrong with it; where the part stands is said here. */
static enum fault_code place(struct fault *fault, const char *part)
{
	struct fault inner = *fault;

	return fault_set(fault, inner.code, part, "%s%s%s", inner.path,
			 inner.path[0] == '\0' ? "" : ": ", inner.message);
}

/* A note holds no control character but LF: in canonical JSON it has these three escapes alone. */
static bool unquote(struct span text, struct buf *out)
{
	for (size_t at = 0; at < text.len; at++) {
		char byte = text.at[at];

		if (byte == '\\') {
			byte = ++at < text.len ? text.at[at] : '\0';
			if (byte == 'n')
				byte = '\n';
			else if (byte != '"' && byte != '\\')
				return false;
		}
		buf_append(out, &byte, 1);
	}
	return !out->overflowed;
}

static enum fault_code read_note(struct span text, struct log_proof *proof, struct fault *fault)
{
	struct span quoted;

	if (!span_string(span_get(text, "checkpoint"), &quoted) ||
	    !unquote(quoted, &proof->note_text))
		return wrong(fault, "log.checkpoint", "not the text of a signed note");
	proof->checkpoint = (struct span){proof->note_text.len > 0 ? proof->note_text.data : "",
					  proof->note_text.len};
	if (note_read(proof->checkpoint, &proof->note, fault) != FAULT_NONE)
		return place(fault, "log.checkpoint");
	return FAULT_NONE;
}

static enum fault_code read_path(struct span text, struct inclusion_path *path, struct fault *fault)
{
	struct span_walk walk;
	struct span element, hash;

	path->len = 0;
	if (!span_walk_array(span_get(text, "path"), &walk))
		return wrong(fault, "log.path", "an array must stand here");
	while (span_next_element(&walk, &element)) {
		if (path->len == INCLUSION_PATH_MAX)
			return wrong(fault, "log.path", "a path has at most 64 hashes");
		if (!span_string(element, &hash) ||
		    !hash_text_read(hash, path->hashes[path->len++]))
			return wrong(fault, "log.path",
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

enum fault_code log_proof_read(struct span text, struct log_proof *proof, struct fault *fault)
{
	size_t offset = 0;

	*proof = (struct log_proof){.index = 0};
	buf_init(&proof->note_text, NOTE_LEN_MAX);
	if (text.len > LOG_PROOF_MAX || !canon_check(text.at, text.len, &offset))
		return fault_set(fault, FAULT_REPORT_CANONICAL, "log",
				 "not canonical JSON at byte %zu of %zu", offset, text.len);
	if (span_kind(text) != SPAN_OBJECT)
		return wrong(fault, "log", "a log proof is an object");
	if (shape_check(&shape, text, "log", FAULT_REPORT_SCHEMA, fault) != FAULT_NONE)
		return fault->code;
	if (!span_says(span_get(text, "schemaVersion"), LOG_PROOF_SCHEMA))
		return wrong(fault, "log.schemaVersion", "only " LOG_PROOF_SCHEMA " is known here");
	if (!read_count(span_get(text, "index"), &proof->index) ||
	    !read_count(span_get(text, "size"), &proof->size))
		return wrong(fault, "log.size", "index and size count leaves");
	proof->line = span_get(text, "leaf");
	if (leaf_read(proof->line, &proof->leaf, fault) != FAULT_NONE)
		return place(fault, "log.leaf");
	if (read_path(text, &proof->path, fault) != FAULT_NONE)
		return fault->code;
	return read_note(text, proof, fault);
}

void log_proof_release(struct log_proof *proof)
{
	buf_release(&proof->note_text);
}

void log_proof_write(const struct log_proof *proof, struct buf *out)
{
	buf_append_text(out, "{\"checkpoint\":");
	canon_write_string(out, proof->checkpoint.at, proof->checkpoint.len);
	buf_append_text(out, ",\"index\":");
	buf_append_u64(out, proof->index);
	buf_append_text(out, ",\"leaf\":");
	buf_append(out, proof->line.at, proof->line.len);
	buf_append_text(out, ",\"path\":[");
	for (size_t i = 0; i < proof->path.len; i++) {
		char hash[DIGEST_TEXT_SIZE];

		digest_text(proof->path.hashes[i], hash);
		buf_append_text(out, i > 0 ? "," : "");
		canon_write_string(out, hash, strlen(hash));
	}
	buf_append_text(out, "],\"schemaVersion\":\"" LOG_PROOF_SCHEMA "\",\"size\":");
	buf_append_u64(out, proof->size);
	buf_append_text(out, "}");
}

enum fault_code log_proof_check(const struct log_proof *proof, struct fault *fault)
{
	const struct note_checkpoint *checkpoint = &proof->note.checkpoint;
	inclusion_hash hash;

	if (proof->size != checkpoint->size)
		return fault_set(fault, FAULT_REPORT_CHAIN, "log.size",
				 "the checkpoint covers %" PRIu64 " leaves", checkpoint->size);
	merkle_leaf(proof->line.at, proof->line.len, hash);
	if (!inclusion_check(hash, proof->index, checkpoint->size, &proof->path, checkpoint->root))
		return fault_set(fault, FAULT_REPORT_CHAIN, "log.path",
				 "the path does not lead from this leaf at %" PRIu64 " of %" PRIu64
				 " to the checkpoint's root",
				 proof->index, checkpoint->size);
	return FAULT_NONE;
}
