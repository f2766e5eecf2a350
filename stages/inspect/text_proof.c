/* SPDX-License-Identifier: Apache-2.0 */
/* What the report proves and what not, the command's output, and what to compare by hand. */
#include "stages/inspect/archived.h"
#include "stages/inspect/text.h"
#include "stages/inspect/units.h"
#include "stages/seal/digest.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static struct json_object *member(const struct text *text, const char *name)
{
	return json_object_object_get(text->view->verification, name);
}

static const char *string_of(struct json_object *object)
{
	const char *string = json_object_get_string(object);

	return string != NULL ? string : "-";
}

static void put_checks(const struct text *text)
{
	struct json_object *checks = member(text, "checks");
	size_t used = 0;

	buf_append_text(text->out, "  ");
	for (size_t i = 0; i < json_object_array_length(checks); i++) {
		struct json_object *check = json_object_array_get_idx(checks, i);
		const char *name = string_of(json_object_object_get(check, "name"));
		bool ok = json_object_get_boolean(json_object_object_get(check, "ok"));

		if (used > 0 && used + strlen(name) + 6 > text->style->width - 2) {
			text_end(text);
			buf_append_text(text->out, "  ");
			used = 0;
		}
		text_say(text, ok ? TEXT_GOOD : TEXT_BAD, ok ? "ok " : "FAIL ");
		text_say(text, TEXT_PLAIN, name);
		buf_append_text(text->out, "  ");
		used += strlen(name) + 5;
	}
	text_end(text);
}

static void put_list_entry(const struct text *text, enum text_paint paint, const char *words)
{
	buf_append_text(text->out, "  - ");
	text_paint(text, paint);
	text_wrap(text, 4, (struct span){words, strlen(words)}, false);
	text_paint(text, TEXT_PLAIN);
}

static void put_errors(const struct text *text)
{
	struct json_object *errors = member(text, "errors");

	for (size_t i = 0; i < json_object_array_length(errors); i++) {
		struct json_object *error = json_object_array_get_idx(errors, i);
		char words[1024];

		snprintf(words, sizeof(words), "%s %s: %s",
			 string_of(json_object_object_get(error, "code")),
			 string_of(json_object_object_get(error, "path")),
			 string_of(json_object_object_get(error, "message")));
		put_list_entry(text, TEXT_BAD, words);
	}
}

static bool signed_by_trusted(const struct text *text)
{
	const char *trust = string_of(member(text, "trust"));

	return strcmp(trust, "signed") == 0 || strncmp(trust, "logged(", strlen("logged(")) == 0;
}

/* Who signed, as the bundle says; no more than a claim unless the key is trusted. */
static void put_signer(const struct text *text)
{
	if (member(text, "keyid") == NULL)
		return;
	buf_append_text(text->out, "  ");
	text_cell_say(text, signed_by_trusted(text) ? "signed by" : "claims key", 11);
	words_put_text(text->out, text->target, string_of(member(text, "keyid")),
		       text->style->width - 13);
	text_end(text);
}

static const char *archived(const struct text *text, const char *group, const char *name)
{
	struct json_object *object = text->view->archived;

	if (group != NULL)
		object = json_object_object_get(object, group);
	return string_of(json_object_object_get(object, name));
}

static void put_reason(const struct text *text, const char *reason)
{
	text_end(text);
	if (reason != NULL)
		put_list_entry(text, TEXT_WARN, reason);
}

/* What the archive keeps of it; whether the archive itself holds is for archive verify to say. */
static void put_archive(const struct text *text)
{
	static const struct {
		const char *name, *group, *field;
	} rows[] = {
		{"bundle", "archive", "bundleId"},    {"archived", "archive", "storedAt"},
		{"kept", "archive", "retention"},     {"verified", "verification", "verifiedAt"},
		{"result", "verification", "result"}, {"trust", "verification", "trust"},
	};

	text_heading(text, "Archive");
	if (!text->view->archive_found) {
		text_say(text, TEXT_WARN, "  holds no report of these bytes");
		put_reason(text, archived_reason(text->view->archived));
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_append_text(text->out, "  ");
		text_cell_say(text, rows[i].name, 11);
		words_put_text(text->out, text->target,
			       archived(text, rows[i].group, rows[i].field),
			       text->style->width - 13);
		text_end(text);
	}
}

void text_warn(const struct text *text)
{
	if (strcmp(string_of(member(text, "result")), "invalid") != 0)
		return;
	text_say(text, TEXT_BAD, "INVALID: believe nothing of this.");
	text_end(text);
}

void text_verification(const struct text *text)
{
	const char *result = string_of(member(text, "result"));
	bool valid = json_object_get_boolean(member(text, "valid"));

	text_heading(text, "Verification");
	buf_append_text(text->out, "  ");
	text_say(text, valid ? TEXT_GOOD : TEXT_BAD, result);
	buf_append_text(text->out, ", trust ");
	text_say(text, TEXT_BOLD, string_of(member(text, "trust")));
	text_end(text);
	put_checks(text);
	put_signer(text);
	put_errors(text);
	if (text->view->archive_asked)
		put_archive(text);
}

/* A hash is of use only whole: on a line of its own where it does not fit behind used columns. */
static void put_whole(const struct text *text, size_t used, struct span value)
{
	if (value.len >= DIGEST_TEXT_SIZE && used + DIGEST_TEXT_SIZE - 1 > text->style->width) {
		text_end(text);
		used = 4;
		text_pad(text, 0, used);
	}
	words_put_value(text->out, text->target, value, text->style->width - used);
}

static void put_stream(const struct text *text, const char *name)
{
	struct span stream = view_get(text->view, REPORT_OUTPUT, name);
	char size[UNITS_SIZE] = "-";
	uint64_t bytes;

	if (view_number(span_get(stream, "bytes"), &bytes))
		units_bytes(bytes, size);
	buf_append_text(text->out, "  ");
	text_cell_say(text, name, 8);
	text_cell_say(text, size, 12);
	if (span_equal(span_get(stream, "truncated"), "true"))
		text_say(text, TEXT_WARN, "log cut ");
	put_whole(text, 2 + 8 + 12 + 8, span_get(stream, "sha256"));
	text_end(text);
}

static void put_output(const struct text *text, const char *name, struct span value)
{
	buf_append_text(text->out, "  ");
	text_cell_say(text, name, 10);
	put_whole(text, 2 + 10, value);
	text_end(text);
}

/* What the run left and was asked for (outputs of the policy). */
static void put_outputs(const struct text *text)
{
	struct span outputs = view_member(text->view, REPORT_OUTPUTS);
	struct span output;
	struct span_walk walk;

	if (span_kind(outputs) != SPAN_OBJECT)
		return;
	put_output(text, "files", span_get(outputs, "files"));
	put_output(text, "bytes", span_get(outputs, "bytes"));
	put_output(text, "manifest", span_get(outputs, "manifestHash"));
	for (bool more = span_walk_array(span_get(outputs, "outputs"), &walk);
	     more && span_next_element(&walk, &output);) {
		buf_append_text(text->out, "  ");
		text_cell(text, span_get(output, "status"), 10);
		words_put_value(text->out, text->target, span_get(output, "path"),
				text->style->width - 12);
		text_end(text);
	}
}

void text_output(const struct text *text)
{
	text_heading(text, "Output");
	if (!span_equal(view_get(text->view, REPORT_OUTPUT, "captured"), "true")) {
		text_say(text, TEXT_WARN, "  not captured: nobody saw it");
		text_end(text);
	} else {
		put_stream(text, "stdin");
		put_stream(text, "stdout");
		put_stream(text, "stderr");
	}
	put_outputs(text);
}

static void put_hash(const struct text *text, const char *name, struct span value)
{
	buf_append_text(text->out, "  ");
	text_cell_say(text, name, 16);
	put_whole(text, 2 + 16, value);
	text_end(text);
}

void text_proof(const struct text *text)
{
	static const char *const artifacts[] = {"policyHash",	   "commandHash", "executableHash",
						"interpreterHash", "rootfsHash",  "kernelHash"};
	static const char *const integrity[] = {"digest", "merkleRoot", "chainHead", "eventCount"};
	struct json_object *limits = member(text, "doesNotProve");

	text_heading(text, "What was run, what is sealed");
	for (size_t i = 0; i < sizeof(artifacts) / sizeof(artifacts[0]); i++)
		put_hash(text, artifacts[i], view_get(text->view, REPORT_ARTIFACTS, artifacts[i]));
	for (size_t i = 0; i < sizeof(integrity) / sizeof(integrity[0]); i++)
		put_hash(text, integrity[i], view_get(text->view, REPORT_INTEGRITY, integrity[i]));
	text_heading(text, "It does not prove");
	for (size_t i = 0; i < json_object_array_length(limits); i++)
		put_list_entry(text, TEXT_PLAIN, string_of(json_object_array_get_idx(limits, i)));
}
