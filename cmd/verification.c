/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/verification.h"

#include "ipc/canon.h"
#include "ipc/object.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, name, &value);
	return value;
}

/* The report is a stranger's, and so is text quoted from it: control bytes come out escaped. */
static const char *text_of(struct json_object *object, const char *name, struct fault *escaped)
{
	struct json_object *value = member(object, name);

	fault_set(escaped, FAULT_REPORT_SCHEMA, "", "%s",
		  json_object_is_type(value, json_type_string) ? json_object_get_string(value)
							       : "");
	return escaped->message;
}

static size_t count_of(struct json_object *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static void print_checks(struct json_object *checks)
{
	struct fault escaped;

	for (size_t i = 0; i < count_of(checks); i++) {
		struct json_object *check = json_object_array_get_idx(checks, i);

		printf("  %-4s  %s\n", json_object_get_boolean(member(check, "ok")) ? "ok" : "FAIL",
		       text_of(check, "name", &escaped));
	}
}

static void print_errors(struct json_object *errors)
{
	struct fault code;
	struct fault path;
	struct fault message;

	for (size_t i = 0; i < count_of(errors); i++) {
		struct json_object *error = json_object_array_get_idx(errors, i);

		printf("  %s %s: %s\n", text_of(error, "code", &code),
		       text_of(error, "path", &path), text_of(error, "message", &message));
	}
}

static void print_limits(struct json_object *limits)
{
	struct fault escaped;

	for (size_t i = 0; i < count_of(limits); i++) {
		struct json_object *limit = json_object_array_get_idx(limits, i);

		if (!json_object_is_type(limit, json_type_string))
			continue;
		fault_set(&escaped, FAULT_REPORT_SCHEMA, "", "%s", json_object_get_string(limit));
		printf("%s%s\n", i == 0 ? "does not prove: " : "                ", escaped.message);
	}
}

enum fault_code verification_print(const char *line, size_t len, struct fault *fault)
{
	struct json_object *answer OBJECT_CLEANUP = NULL;
	struct fault result;
	struct fault trust;
	enum fault_code code = canon_parse(line, len, FAULT_REPORT_SCHEMA, &answer, fault);

	if (code != FAULT_NONE)
		return code;
	printf("%s, trust=%s", text_of(answer, "result", &result),
	       text_of(answer, "trust", &trust));
	if (strcmp(trust.message, "signed") == 0)
		printf("(%s)", text_of(answer, "keyid", &result));
	putchar('\n');
	print_checks(member(answer, "checks"));
	print_errors(member(answer, "errors"));
	print_limits(member(answer, "doesNotProve"));
	if (fflush(stdout) != 0)
		return fault_set(fault, FAULT_REPORT_SCHEMA, "report", "cannot write the answer");
	return FAULT_NONE;
}
