/* SPDX-License-Identifier: Apache-2.0 */
/* What a replay came to, for a person and for a program. */
#include "cmd/replay.h"
#include "ipc/object.h"
#include "ipc/record.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX (8 * RECORD_EVENT_MAX)

/* What a stranger wrote: a fault's message is escaped and cut. */
static const char *text_of(struct json_object *object, const char *name, struct fault *escaped)
{
	struct json_object *value = object_member(object, name);

	fault_set(escaped, FAULT_REPORT_SCHEMA, "", "%s",
		  json_object_is_type(value, json_type_string) ? json_object_get_string(value)
							       : "nothing");
	return escaped->message;
}

static void print_difference(struct json_object *difference)
{
	struct fault path, recorded, replayed;
	struct json_object *offset = object_member(difference, "offset");

	fputs("             ", stdout);
	if (json_object_is_type(offset, json_type_int))
		printf("from byte %" PRId64 " on, ", json_object_get_int64(offset));
	printf("at %s:\n", text_of(difference, "path", &path));
	printf("               recorded %s\n               replayed %s\n",
	       text_of(difference, "recorded", &recorded),
	       text_of(difference, "replayed", &replayed));
}

static void print_answer(struct json_object *answer)
{
	struct json_object *differences = object_member(answer, "differences");
	struct json_object *errors = object_member(answer, "errors");

	for (size_t i = 0; i < array_length(differences); i++)
		print_difference(json_object_array_get_idx(differences, i));
	for (size_t i = 0; i < array_length(errors); i++) {
		struct json_object *error = json_object_array_get_idx(errors, i);
		struct fault path, message;

		printf("             %s: %s\n", text_of(error, "path", &path),
		       text_of(error, "message", &message));
	}
}

void replay_print(const struct replay *replay)
{
	for (enum replay_step i = 0; i < REPLAY_STEP_COUNT; i++) {
		enum replay_result result = replay->steps[i].result;

		if (result == REPLAY_SKIPPED)
			continue;
		printf("  %-10s %s", replay_result_name(result), replay_step_name(i));
		if (result == REPLAY_ABSENT)
			printf(": no %s, so there is nothing to compare",
			       run_record_name(replay->steps[i].missing));
		fputc('\n', stdout);
		print_answer(replay->steps[i].answer);
	}
}

static struct json_object *step_to_json(const struct replay *replay, enum replay_step step)
{
	struct json_object *object = object_new();
	enum replay_result result = replay->steps[step].result;

	object_add_string(object, "step", replay_step_name(step));
	object_add_string(object, "result", replay_result_name(result));
	if (result == REPLAY_ABSENT)
		object_add_string(object, "missing", run_record_name(replay->steps[step].missing));
	if (replay->steps[step].answer != NULL)
		object_add_shared(object, "comparison", replay->steps[step].answer);
	return object;
}

enum fault_code replay_send(const struct replay *replay, struct fault *fault)
{
	const struct record_sink sink = {.fd = STDOUT_FILENO, .record_fd = -1};
	struct json_object *record OBJECT_CLEANUP = object_new();
	struct json_object *steps = array_new();

	for (enum replay_step i = 0; i < REPLAY_STEP_COUNT; i++)
		if (replay->steps[i].result != REPLAY_SKIPPED)
			array_append(steps, step_to_json(replay, i));
	object_add_string(record, "result", replay_same(replay) ? "same" : "different");
	object_add_string(record, "schemaVersion", "safe-run.replay/v1");
	object_add(record, "steps", steps);
	return record_send(&sink, record, ANSWER_MAX, fault);
}
