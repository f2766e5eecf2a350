/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/archive_words.h"

#include "ipc/canon.h"
#include "ipc/object.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

/* All text here is an archive's, which somebody may have written to: it goes out escaped. */
struct said {
	struct fault escaped;
};

static const char *text(struct json_object *object, const char *name, struct said *said)
{
	struct json_object *value = object_member(object, name);

	fault_set(&said->escaped, FAULT_ARCHIVE, "", "%s",
		  json_object_is_type(value, json_type_string) ? json_object_get_string(value)
							       : "-");
	return said->escaped.message;
}

static int64_t number(struct json_object *object, const char *name)
{
	return json_object_get_int64(object_member(object, name));
}

static void print_errors(struct json_object *errors)
{
	size_t count =
		json_object_is_type(errors, json_type_array) ? json_object_array_length(errors) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *error = json_object_array_get_idx(errors, i);
		struct said code, path, message;

		fprintf(stderr, "safe-run: %s %s: %s\n", text(error, "code", &code),
			text(error, "path", &path), text(error, "message", &message));
	}
}

static void print_added(struct json_object *record)
{
	struct json_object *archive = object_member(record, "archive");
	struct said id, run, kept;

	printf("%s %s\n  run %s, leaf %" PRId64 ", kept %s\n",
	       json_object_get_boolean(object_member(record, "added")) ? "archived"
								       : "archived already",
	       text(archive, "bundleId", &id), text(record, "runId", &run), number(record, "index"),
	       text(archive, "retention", &kept));
}

static void print_line(struct json_object *record)
{
	struct json_object *archive = object_member(record, "archive"),
			   *run = object_member(record, "run");
	struct said stored, name, state, body, id;

	printf("%6" PRId64 "  %.19sZ  %s  %s (%" PRId64 ")  report %s  %s\n",
	       number(record, "index"), text(archive, "storedAt", &stored),
	       text(record, "runId", &name), text(run, "state", &state), number(run, "exitCode"),
	       text(object_member(object_member(record, "bodies"), "report"), "state", &body),
	       text(archive, "bundleId", &id));
}

static void print_body(const char *what, struct json_object *body)
{
	struct said path, state;

	if (body != NULL)
		printf("%-13s %s, %s\n", what, text(body, "path", &path),
		       text(body, "state", &state));
}

static void print_whole(struct json_object *record)
{
	struct json_object *archive = object_member(record, "archive"),
			   *run = object_member(record, "run");
	struct json_object *verification = object_member(record, "verification");
	struct json_object *bodies = object_member(record, "bodies");
	struct said one, two, three;

	printf("bundle        %s\n", text(archive, "bundleId", &one));
	printf("run           %s, started %s, %s (%" PRId64 ")\n", text(record, "runId", &one),
	       text(run, "startedAt", &two), text(run, "state", &three), number(run, "exitCode"));
	printf("archived      %s, leaf %" PRId64 ", kept %s\n", text(archive, "storedAt", &one),
	       number(record, "index"), text(archive, "retention", &two));
	if (object_member(record, "keptUntil") != NULL)
		printf("kept until    %s\n", text(record, "keptUntil", &one));
	printf("verification  %s, trust=%s, %s\n", text(verification, "result", &one),
	       text(verification, "trust", &two), text(verification, "verifiedAt", &three));
	printf("digest        %s\n", text(object_member(record, "report"), "digest", &one));
	print_body("report", object_member(bodies, "report"));
	print_body("signature", object_member(bodies, "signature"));
	if (object_member(record, "prunedAt") != NULL)
		printf("pruned        %s\n", text(record, "prunedAt", &one));
}

static void print_pruned(struct json_object *record)
{
	struct said bytes;

	printf("pruned %" PRId64 " bundles: %" PRId64 " files, %s bytes\n",
	       number(record, "bundles"), number(record, "bodies"), text(record, "bytes", &bytes));
}

static void print_record(enum archive_words words, struct json_object *record)
{
	switch (words) {
	case ARCHIVE_WORDS_ADDED:
		print_added(record);
		break;
	case ARCHIVE_WORDS_LINE:
		print_line(record);
		break;
	case ARCHIVE_WORDS_WHOLE:
		print_whole(record);
		break;
	case ARCHIVE_WORDS_PRUNED:
		print_pruned(record);
		break;
	case ARCHIVE_WORDS_INDEXED:
		printf("%" PRId64 " leaves in the index\n", number(record, "leaves"));
		break;
	}
}

enum fault_code archive_words_print(enum archive_words words, const char *line, size_t len,
				    struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct json_object *errors;
	enum fault_code code = canon_parse(line, len, FAULT_ARCHIVE, &record, fault);

	if (code != FAULT_NONE)
		return code;
	errors = object_member(record, "errors");
	if (json_object_is_type(errors, json_type_array) && json_object_array_length(errors) > 0)
		print_errors(errors);
	else
		print_record(words, record);
	if (fflush(stdout) != 0)
		return fault_set(fault, FAULT_ARCHIVE, "archive", "cannot write the answer");
	return FAULT_NONE;
}
