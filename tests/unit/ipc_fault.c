/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/fault.h"

#include "ipc/canon.h"
#include "ipc/object.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

Test(ipc_fault, every_code_has_a_name_of_its_own)
{
	for (int code = FAULT_NONE + 1; code < FAULT_CODE_COUNT; code++) {
		const char *name = fault_code_name((enum fault_code)code);

		cr_expect_eq(strlen(name), strlen("SR-POL-001"), "code %d", code);
		cr_expect_eq(fault_code_parse(name), (enum fault_code)code);
	}
	cr_expect_str_eq(fault_code_name(FAULT_NONE), "");
	cr_expect_str_eq(fault_code_name((enum fault_code)FAULT_CODE_COUNT), "");
	cr_expect_str_eq(fault_code_name((enum fault_code) - 1), "");
	cr_expect_eq(fault_code_parse(""), FAULT_NONE);
	cr_expect_eq(fault_code_parse("SR-POL-0011"), FAULT_NONE);
	cr_expect_eq(fault_code_parse("sr-pol-001"), FAULT_NONE);
}

static const struct {
	const char *text;
	const char *shown;
} escapes[] = {
	{"plain \xc3\xa9 \xe2\x82\xac", "plain \xc3\xa9 \xe2\x82\xac"},
	{"a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd"},
	{"\x1b[31mred", "\\x1b[31mred"},
	{"del\x7f", "del\\x7f"},
	{"latin \xe9", "latin \\xe9"},
	{"csi \xc2\x9b"
	 "1m",
	 "csi \\xc2\\x9b"
	 "1m"},
	{"nbsp \xc2\xa0", "nbsp \xc2\xa0"},
	{"rlo \xe2\x80\xae.", "rlo \\xe2\\x80\\xae."},
	{"around \xe2\x80\xa7\xe2\x80\xaf", "around \xe2\x80\xa7\xe2\x80\xaf"},
	{"lines \xe2\x80\xa8\xe2\x80\xa9", "lines \\xe2\\x80\\xa8\\xe2\\x80\\xa9"},
	{"embed \xe2\x80\xaa\xe2\x80\xab", "embed \\xe2\\x80\\xaa\\xe2\\x80\\xab"},
	{"isolate \xe2\x81\xa6\xe2\x81\xa9", "isolate \\xe2\\x81\\xa6\\xe2\\x81\\xa9"},
	{"beside \xe2\x81\xa5\xe2\x81\xaa", "beside \xe2\x81\xa5\xe2\x81\xaa"},
	{"marks \xe2\x80\x8e\xe2\x80\x8f", "marks \\xe2\\x80\\x8e\\xe2\\x80\\x8f"},
	{"joiner \xe2\x80\x8d\xe2\x80\x90", "joiner \xe2\x80\x8d\xe2\x80\x90"},
	{"alm \xd8\x9c, \xd8\x9b", "alm \\xd8\\x9c, \xd8\x9b"},
	{"lone \xed\xa0\x80", "lone \\xed\\xa0\\x80"},
	{"cut \xe2\x82", "cut \\xe2\\x82"},
};

Test(ipc_fault, escapes_what_could_drive_a_terminal)
{
	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		struct fault fault;

		cr_expect_eq(
			fault_set(&fault, FAULT_RUN_INIT, escapes[i].text, "%s", escapes[i].text),
			FAULT_RUN_INIT);
		cr_expect_str_eq(fault.message, escapes[i].shown);
		cr_expect_str_eq(fault.path, escapes[i].shown);
	}
}

static void expect_cut(const char *unit, size_t shown_len)
{
	char text[3 * FAULT_MESSAGE_SIZE] = "";
	struct fault fault;

	while (strlen(text) < 2 * FAULT_MESSAGE_SIZE)
		strcat(text, unit);
	/* Every phase of the unit against the end of the field. */
	for (size_t shift = 0; shift < 8; shift++) {
		size_t path_len, message_len;

		fault_set(&fault, FAULT_RUN_INIT, text, "%.*s%s", (int)shift, "12345678", text);
		path_len = strlen(fault.path);
		message_len = strlen(fault.message);
		cr_expect_lt(path_len, FAULT_PATH_SIZE);
		cr_expect_geq(path_len, FAULT_PATH_SIZE - shown_len);
		cr_expect_eq(path_len % shown_len, 0);
		cr_expect_lt(message_len, FAULT_MESSAGE_SIZE);
		cr_expect_geq(message_len, FAULT_MESSAGE_SIZE - shown_len);
		cr_expect_eq((message_len - shift) % shown_len, 0, "%s", fault.message);
	}
}

Test(ipc_fault, cuts_between_characters)
{
	expect_cut("x", 1);
	expect_cut("\xc3\xa9", 2);
	expect_cut("\xe2\x82\xac", 3);
	expect_cut("\xf0\x9f\x98\x80", 4);
	expect_cut("\x01", 4);
	expect_cut("\xff", 4);
}

Test(ipc_fault, message_sizes_around_the_cap)
{
	char text[FAULT_MESSAGE_SIZE + 2];

	for (size_t len = FAULT_MESSAGE_SIZE - 2; len <= FAULT_MESSAGE_SIZE; len++) {
		struct fault fault;

		memset(text, 'm', len);
		text[len] = '\0';
		fault_set(&fault, FAULT_RUN_INIT, "p", "%s", text);
		cr_expect_eq(strlen(fault.message),
			     len < FAULT_MESSAGE_SIZE ? len : FAULT_MESSAGE_SIZE - 1);
	}
}

Test(ipc_fault, arguments_may_come_from_the_fault_itself)
{
	struct fault fault;

	fault_set(&fault, FAULT_RUN_INIT, "a\n", "%s", "inner\n");
	fault_set(&fault, FAULT_RUN_LAUNCH, fault.path, "outer: %s", fault.message);
	cr_expect_str_eq(fault.path, "a\\x0a");
	cr_expect_str_eq(fault.message, "outer: inner\\x0a");
	cr_expect_eq(fault.code, FAULT_RUN_LAUNCH);
}

Test(ipc_fault, adds_the_reason_for_an_errno)
{
	struct fault fault;

	fault_set_errno(&fault, FAULT_RUN_LAUNCH, ENOENT, "launch.exec", "cannot run %s", "x");
	cr_expect_str_eq(fault.message, "cannot run x: No such file or directory");
	fault_set_errno(&fault, FAULT_RUN_LAUNCH, 99999, "launch.exec", "cannot run");
	cr_expect_str_eq(fault.message, "cannot run: unknown error");
}

/* An element of the list's array as text. */
static void expect_element(struct json_object *array, size_t index, const char *text)
{
	struct fault fault;
	struct buf out;

	buf_init(&out, 1 << 20);
	cr_expect_eq(
		canon_write(json_object_array_get_idx(array, index), &out, FAULT_RUN_INIT, &fault),
		FAULT_NONE);
	buf_append(&out, "", 1);
	cr_expect_str_eq(out.data, text);
	buf_release(&out);
}

Test(ipc_fault, list_keeps_64_and_counts_the_rest)
{
	static struct fault_list list;
	struct fault fault;
	struct json_object *array;

	for (size_t i = 0; i < FAULT_LIST_MAX + 2; i++) {
		fault_set(&fault, FAULT_POLICY_FORMAT, "p", "number %zu\x01", i);
		fault_list_add(&list, &fault);
		cr_expect_eq(list.count, i < FAULT_LIST_MAX ? i + 1 : FAULT_LIST_MAX);
		array = fault_list_to_json(&list);
		cr_expect_eq(json_object_array_length(array),
			     i < FAULT_LIST_MAX ? i + 1 : FAULT_ARRAY_MAX);
		json_object_put(array);
	}
	cr_expect_eq(list.dropped, 2);
	array = fault_list_to_json(&list);
	expect_element(array, 7,
		       "{\"code\":\"SR-POL-002\",\"message\":\"number 7\\\\x01\","
		       "\"path\":\"p\"}");
	expect_element(array, FAULT_LIST_MAX,
		       "{\"code\":\"SR-POL-002\",\"message\":\"and 2 more, not listed\","
		       "\"path\":\"\"}");
	json_object_put(array);
}
