/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/compare/answer.h"

#include "ipc/object.h"
#include "ipc/utf8.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>

void answer_init(struct answer *answer)
{
	*answer = (struct answer){.differences = array_new(), .errors = array_new()};
}

/* Cut between characters, so that what is shown is text. */
static void add_value(struct json_object *object, const char *name, struct span value)
{
	size_t len = 0;

	if (value.len == 0) {
		object_add_null(object, name);
		return;
	}
	while (len < value.len) {
		size_t next = utf8_sequence(value.at + len, value.len - len);

		next = next == 0 ? 1 : next;
		if (len + next > ANSWER_VALUE_MAX)
			break;
		len += next;
	}
	object_add_escaped(object, name, value.at, len);
}

void answer_add(struct answer *answer, const struct difference *difference, bool has_offset)
{
	struct json_object *entry = object_new();
	struct fault escaped;

	if (has_offset)
		object_add_integer(entry, "offset", (int64_t)difference->offset);
	else
		object_add_null(entry, "offset");
	fault_set(&escaped, FAULT_REPORT_SCHEMA, difference->path, "%s", "");
	object_add_string(entry, "path", escaped.path);
	add_value(entry, "recorded", difference->recorded);
	add_value(entry, "replayed", difference->replayed);
	array_append(answer->differences, entry);
}

void answer_refuse(struct answer *answer, const char *path, const char *format, ...)
{
	char message[FAULT_MESSAGE_SIZE];
	struct fault fault;
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	fault_set(&fault, FAULT_REPORT_SCHEMA, path, "%s", message);
	array_append(answer->errors, fault_to_json(&fault));
}

struct json_object *answer_finish(struct answer *answer, bool *same)
{
	struct json_object *record = object_new();
	bool refused = json_object_array_length(answer->errors) > 0;

	*same = !refused && json_object_array_length(answer->differences) == 0;
	object_add(record, "differences", answer->differences);
	object_add(record, "errors", answer->errors);
	object_add_integer(record, "recordedBytes", (int64_t)answer->recorded_len);
	object_add_integer(record, "replayedBytes", (int64_t)answer->replayed_len);
	object_add_string(record, "result", refused ? "refused" : *same ? "same" : "different");
	object_add_string(record, "schemaVersion", "safe-run.comparison/v1");
	return record;
}
