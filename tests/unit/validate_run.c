/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/validate_run.h"

#include "ipc/canon.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/validate/validate.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *run_format(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	cr_assert_geq(vasprintf(&text, format, arguments), 0);
	va_end(arguments);
	return text;
}

char *run_fill(const char *pattern, const char *value)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_not_null(out);
	for (; pattern[0] != '\0'; pattern++) {
		if (pattern[0] == '#')
			fputs(value, out);
		else
			fputc(pattern[0], out);
	}
	fclose(out);
	return text;
}

static const char *member_text(struct json_object *object, const char *name)
{
	return json_object_get_string(json_object_object_get(object, name));
}

static char *list_faults(struct json_object *faults)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_not_null(out);
	for (size_t i = 0; i < json_object_array_length(faults); i++) {
		struct json_object *fault = json_object_array_get_idx(faults, i);

		fprintf(out, "%s %s: %s\n", member_text(fault, "code"), member_text(fault, "path"),
			member_text(fault, "message"));
	}
	fclose(out);
	return text;
}

static char *canonical(struct json_object *object, const char *name)
{
	struct buf out BUF_CLEANUP;
	struct fault fault;

	buf_init(&out, RECORD_BUNDLE_MAX);
	cr_assert_eq(canon_write(json_object_object_get(object, name), &out, FAULT_POLICY_FORMAT,
				 &fault),
		     FAULT_NONE, "%s: %s", name, fault.message);
	return strndup(out.data, out.len);
}

void run_validate(const char *policy, size_t len, const char *const settings[],
		  const char *allowlist, struct run *run)
{
	struct validate_text allowlist_text = {
		.data = allowlist,
		.len = allowlist != NULL ? strlen(allowlist) : 0,
	};
	struct validate_request request = {
		.policy = {.data = policy, .len = len},
		.allowlist = allowlist != NULL ? &allowlist_text : NULL,
		.settings = settings,
	};
	struct json_object *result OBJECT_CLEANUP = NULL;

	while (settings != NULL && settings[request.setting_count] != NULL)
		request.setting_count++;
	result = validate_request(&request, &run->valid);
	cr_assert_eq(run->valid, json_object_get_boolean(json_object_object_get(result, "valid")));
	run->errors = list_faults(json_object_object_get(result, "errors"));
	run->warnings = list_faults(json_object_object_get(result, "warnings"));
	run->policy = canonical(result, "normalizedPolicy");
	run->facts = canonical(result, "hostFacts");
	run->overrides = canonical(result, "overrides");
	cr_assert_eq(run->valid, run->errors[0] == '\0');
}

void run_release(struct run *run)
{
	free(run->errors);
	free(run->warnings);
	free(run->policy);
	free(run->facts);
	free(run->overrides);
}
