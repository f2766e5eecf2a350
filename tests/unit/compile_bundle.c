/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/compile/bundle.h"

#include "ipc/canon.h"
#include "stages/seal/digest.h"
#include "tests/support/child.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The bundle of a line as canonical text; the caller frees it. */
static char *compile(const char *line, size_t len, enum fault_code *code)
{
	struct fault fault = {.code = FAULT_NONE};
	struct json_object *bundle;
	struct buf out;

	*code = bundle_compile(line, len, &fault, &bundle);
	buf_init(&out, (size_t)16 << 20);
	cr_assert_eq(canon_write(bundle, &out, FAULT_RUN_INIT, &fault), FAULT_NONE, "%s",
		     fault.message);
	buf_append(&out, "", 1);
	json_object_put(bundle);
	return out.data;
}

static struct json_object *parse(const char *text)
{
	struct json_object *value = json_tokener_parse(text);

	cr_assert_not_null(value, "%s", text);
	return value;
}

/* Nothing but the reasons: no plan of a refused policy exists. */
static void expect_refusal(const char *name, const char *text)
{
	struct json_object *bundle = parse(text);
	size_t members = 0;

	json_object_object_foreach(bundle, field, value)
	{
		members++;
		if (strcmp(field, "errors") == 0)
			cr_expect_gt(json_object_array_length(value), 0, "%s", name);
		else if (strcmp(field, "schemaVersion") == 0)
			cr_expect_str_eq(json_object_get_string(value), "safe-run.bundle/v1");
		else
			cr_expect_null(value, "%s: %s is not null", name, field);
	}
	cr_expect_eq(members, 12, "%s", name);
	json_object_put(bundle);
}

Test(compile_bundle, accepted_policies_give_their_golden_bundles)
{
	struct vector_set inputs, goldens;

	cr_assert_eq(digest_prewarm(), 0);
	vectors_load("compile/accept", &inputs);
	vectors_load("compile/bundle", &goldens);
	cr_assert_eq(inputs.count, goldens.count, "make goldens-compile");
	for (size_t i = 0; i < inputs.count; i++) {
		enum fault_code code;
		char *text = compile(inputs.items[i].data, inputs.items[i].len, &code);

		cr_expect_eq(code, FAULT_NONE, "%s", inputs.items[i].name);
		cr_assert_str_eq(inputs.items[i].name, goldens.items[i].name);
		/* The golden is the record as the stage wrote it, line feed included. */
		cr_expect_eq(strlen(text) + 1, goldens.items[i].len, "%s", inputs.items[i].name);
		cr_expect_eq(strncmp(text, goldens.items[i].data, strlen(text)), 0, "%s:\n%s",
			     inputs.items[i].name, text);
		free(text);
	}
	vectors_release(&inputs);
	vectors_release(&goldens);
}

Test(compile_bundle, refused_input_gives_the_code_its_name_says)
{
	struct vector_set inputs;

	cr_assert_eq(digest_prewarm(), 0);
	vectors_load("compile/reject", &inputs);
	for (size_t i = 0; i < inputs.count; i++) {
		char expected[sizeof("SR-CMP-001")];
		enum fault_code code;
		char *text = compile(inputs.items[i].data, inputs.items[i].len, &code);

		snprintf(expected, sizeof(expected), "%s", inputs.items[i].name);
		cr_expect_str_eq(fault_code_name(code), expected, "%s: %s", inputs.items[i].name,
				 text);
		expect_refusal(inputs.items[i].name, text);
		cr_expect(strstr(text, expected) != NULL, "%s", inputs.items[i].name);
		free(text);
	}
	vectors_release(&inputs);
}

Test(compile_bundle, passes_on_the_errors_it_was_given)
{
	struct vector_set inputs;

	vectors_load("compile/pass", &inputs);
	for (size_t i = 0; i < inputs.count; i++) {
		struct json_object *input = parse(inputs.items[i].data), *bundle;
		struct json_object *errors = json_object_object_get(input, "errors");
		enum fault_code code;
		char *text = compile(inputs.items[i].data, inputs.items[i].len, &code);

		expect_refusal(inputs.items[i].name, text);
		bundle = parse(text);
		cr_expect(json_object_equal(errors, json_object_object_get(bundle, "errors")));
		cr_expect_str_eq(fault_code_name(code),
				 json_object_get_string(json_object_object_get(
					 json_object_array_get_idx(errors, 0), "code")));
		json_object_put(bundle);
		json_object_put(input);
		free(text);
	}
	vectors_release(&inputs);
}

Test(compile_bundle, without_input_the_given_reason_is_the_error)
{
	struct fault fault;
	struct json_object *bundle;

	fault_set(&fault, FAULT_COMPILE_REQUEST, "compile.input", "because");
	cr_expect_eq(bundle_compile(NULL, 0, &fault, &bundle), FAULT_COMPILE_REQUEST);
	expect_refusal("no input", json_object_to_json_string(bundle));
	json_object_put(bundle);
}

/* What may not reach a launcher: half of a record, one bit of it other. */
Test(compile_bundle, no_truncation_of_a_valid_input_compiles)
{
	struct vector_set inputs;

	cr_assert_eq(digest_prewarm(), 0);
	vectors_load("compile/accept", &inputs);
	for (size_t len = 0; len < inputs.items[0].len; len++) {
		enum fault_code code;
		char *text = compile(inputs.items[0].data, len, &code);

		cr_assert_eq(code, FAULT_COMPILE_REQUEST, "%zu bytes", len);
		free(text);
	}
	vectors_release(&inputs);
}

Test(compile_bundle, hashes_cover_the_policy_and_the_command)
{
	char *path = vectors_path("compile/accept/minimal.json"), *text, *input;
	static const char command[] = "{\"args\":[\"hello, world\"],\"command\":\"/bin/echo\"}";
	char expected[DIGEST_TEXT_SIZE];
	uint8_t value[DIGEST_SIZE];
	enum fault_code code;
	const char *policy, *end;
	size_t len;

	cr_assert_eq(digest_prewarm(), 0);
	input = child_read_file(path, &len);
	cr_assert_not_null(input);
	text = compile(input, len, &code);
	digest_bytes(command, strlen(command), value);
	digest_text(value, expected);
	cr_expect(strstr(text, expected) != NULL, "commandHash");
	/* The policy's own bytes, as they stand in the input. */
	policy = strstr(input, "\"normalizedPolicy\":") + strlen("\"normalizedPolicy\":");
	end = strstr(input, ",\"overrides\"");
	digest_bytes(policy, (size_t)(end - policy), value);
	digest_text(value, expected);
	cr_expect(strstr(text, expected) != NULL, "policyHash");
	free(text);
	free(input);
	free(path);
}
