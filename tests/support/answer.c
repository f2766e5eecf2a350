/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/answer.h"

#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <string.h>

struct json_object *answer_get(const char *path, int *status)
{
	const char *argv[] = {"sr-verify", path, NULL};
	struct child_result result;
	struct json_object *answer;

	child_run(argv, "", 0, NULL, &result);
	*status = result.status;
	answer = json_tokener_parse(result.out);
	cr_assert_not_null(answer, "status %d: %s%s", result.status, result.out, result.err);
	child_release(&result);
	return answer;
}

const char *answer_text(struct json_object *object, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(object, name, &value) ? json_object_get_string(value) : "";
}

bool answer_has_reason(struct json_object *answer, const char *code, const char *path)
{
	struct json_object *errors = json_object_object_get(answer, "errors");

	for (size_t i = 0; i < json_object_array_length(errors); i++) {
		struct json_object *error = json_object_array_get_idx(errors, i);

		if (strcmp(answer_text(error, "code"), code) == 0 &&
		    strcmp(answer_text(error, "path"), path) == 0)
			return true;
	}
	return false;
}
