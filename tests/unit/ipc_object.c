/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/object.h"

#include "ipc/canon.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <string.h>

static void expect_text(struct json_object *value, const char *expected)
{
	struct fault fault;
	struct buf out;

	buf_init(&out, 1 << 16);
	cr_assert_eq(canon_write(value, &out, FAULT_RUN_INIT, &fault), FAULT_NONE, "%s",
		     fault.message);
	buf_append(&out, "", 1);
	cr_expect_str_eq(out.data, expected);
	buf_release(&out);
}

Test(ipc_object, builds_every_kind_of_member)
{
	struct json_object *object = object_new();
	struct json_object *array = array_new();
	struct json_object *shared = array_new();

	object_add_string(object, "s", "text");
	object_add_integer(object, "i", -5);
	object_add_bool(object, "b", true);
	object_add_null(object, "n");
	object_add_decimal(object, "d", UINT64_MAX);
	array_append_string(array, "x");
	array_append(array, NULL);
	object_add(object, "a", array);
	object_add_shared(object, "z", shared);
	array_append_string(shared, "late");
	expect_text(object, "{\"a\":[\"x\",null],\"b\":true,\"d\":\"18446744073709551615\","
			    "\"i\":-5,\"n\":null,\"s\":\"text\",\"z\":[\"late\"]}");
	object_release(&object);
	cr_expect_null(object);
	cr_expect_eq(json_object_array_length(shared), 1, "a shared value outlives its holder");
	object_release(&shared);
}

Test(ipc_object, take_hands_over)
{
	struct json_object *object = object_new();
	struct json_object *first = object;
	struct json_object *taken = object_take(&object);

	cr_expect_null(object);
	cr_expect_eq(taken, first);
	object_release(&object);
	object_release(&taken);
}

static const struct {
	const char *bytes;
	size_t len;
	const char *text;
} escapes[] = {
	{"plain", 5, "plain"},
	{"", 0, ""},
	{"a\0b", 3, "a\\x00b"},
	{"\x7f", 1, "\\x7f"},
	{"\xff\xfe", 2, "\\xff\\xfe"},
	{"back\\slash", 10, "back\\\\slash"},
	{"\\x00", 4, "\\\\x00"},
	{"line\nfeed\x01", 10, "line\nfeed\x01"},
	{"\xc3\xa9\xc3", 3, "\xc3\xa9\\xc3"},
	{"\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},
};

Test(ipc_object, escapes_bytes_into_the_subset)
{
	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		struct json_object *object = object_new();
		struct fault fault;
		struct buf out;

		object_add_escaped(object, "v", escapes[i].bytes, escapes[i].len);
		cr_expect_str_eq(json_object_get_string(json_object_object_get(object, "v")),
				 escapes[i].text);
		buf_init(&out, 1024);
		cr_expect_eq(canon_write(object, &out, FAULT_RUN_INIT, &fault), FAULT_NONE);
		cr_expect(canon_check(out.data, out.len, NULL));
		buf_release(&out);
		object_release(&object);
	}
}

/* All byte pairs: no two inputs share an output. */
Test(ipc_object, escaping_is_one_to_one)
{
	struct json_object *seen = object_new();

	for (unsigned pair = 0; pair < 1 << 16; pair++) {
		char bytes[2] = {(char)(pair >> 8), (char)pair};
		struct json_object *object = object_new();
		const char *text;

		object_add_escaped(object, "v", bytes, sizeof(bytes));
		text = json_object_get_string(json_object_object_get(object, "v"));
		cr_assert_not(json_object_object_get_ex(seen, text, NULL), "%s twice", text);
		object_add_null(seen, text);
		object_release(&object);
	}
	object_release(&seen);
}

/* A member of another kind, or of what is no object, is none. */
Test(ipc_object, reads_what_is_there)
{
	struct json_object *object =
		json_tokener_parse("{\"a\":[3,1,2],\"n\":-7,\"o\":{},\"t\":\"text\",\"z\":null}");

	cr_expect_str_eq(object_text(object, "t"), "text");
	cr_expect_eq(object_number(object, "n"), -7);
	cr_expect_eq(array_length(object_member(object, "a")), 3);
	cr_expect(json_object_is_type(object_member(object, "o"), json_type_object));
	for (const char *const *name = (const char *const[]){"a", "n", "o", "z", "x", NULL};
	     *name != NULL; name++)
		cr_expect_str_empty(object_text(object, *name), "%s", *name);
	for (const char *const *name = (const char *const[]){"a", "t", "o", "z", "x", NULL};
	     *name != NULL; name++)
		cr_expect_eq(object_number(object, *name), 0, "%s", *name);
	cr_expect_eq(array_length(object_member(object, "o")), 0);
	cr_expect_eq(array_length(NULL), 0);
	cr_expect_null(object_member(NULL, "a"));
	cr_expect_null(object_member(object_member(object, "a"), "a"));
	array_sort(object_member(object, "a"));
	expect_text(object_member(object, "a"), "[1,2,3]");
	object_release(&object);
}
