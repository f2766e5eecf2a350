/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/field.h"

#include "ipc/object.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

enum getter { AS_STRING, AS_INTEGER, AS_BOOL, AS_ARRAY, AS_OBJECT, AS_ANY, AS_LITERAL };

static enum fault_code get(enum getter getter, struct fields *fields, struct fault *fault)
{
	struct json_object *value;
	struct fields member;
	const char *text;
	int64_t integer;
	bool flag;

	switch (getter) {
	case AS_STRING:
		return fields_string(fields, "v", &text, fault);
	case AS_INTEGER:
		return fields_integer(fields, "v", -2, 5, &integer, fault);
	case AS_BOOL:
		return fields_bool(fields, "v", &flag, fault);
	case AS_ARRAY:
		return fields_array(fields, "v", 2, &value, fault);
	case AS_OBJECT:
		return fields_enter(fields, "v", &member, fault);
	case AS_ANY:
		return fields_any(fields, "v", &value, fault);
	case AS_LITERAL:
		return fields_literal(fields, "v", "right", fault);
	}
	return FAULT_RUN_INIT;
}

static const struct {
	const char *json;
	enum getter getter;
	bool accepted;
	const char *path;
} cases[] = {
	{"{\"v\":\"x\"}", AS_STRING, true, ""},
	{"{\"v\":\"\"}", AS_STRING, true, ""},
	{"{\"v\":1}", AS_STRING, false, "top.v"},
	{"{\"v\":null}", AS_STRING, false, "top.v"},
	{"{\"v\":\"a\\u0000b\"}", AS_STRING, false, "top.v"},
	{"{}", AS_STRING, false, "top.v"},
	{"{\"v\":-3}", AS_INTEGER, false, "top.v"},
	{"{\"v\":-2}", AS_INTEGER, true, ""},
	{"{\"v\":5}", AS_INTEGER, true, ""},
	{"{\"v\":6}", AS_INTEGER, false, "top.v"},
	{"{\"v\":1.0}", AS_INTEGER, false, "top.v"},
	{"{\"v\":\"1\"}", AS_INTEGER, false, "top.v"},
	{"{\"v\":true}", AS_INTEGER, false, "top.v"},
	{"{\"v\":18446744073709551615}", AS_INTEGER, false, "top.v"},
	{"{\"v\":true}", AS_BOOL, true, ""},
	{"{\"v\":1}", AS_BOOL, false, "top.v"},
	{"{\"v\":\"true\"}", AS_BOOL, false, "top.v"},
	{"{\"v\":[1]}", AS_ARRAY, true, ""},
	{"{\"v\":[1,2]}", AS_ARRAY, true, ""},
	{"{\"v\":[1,2,3]}", AS_ARRAY, false, "top.v"},
	{"{\"v\":{}}", AS_ARRAY, false, "top.v"},
	{"{\"v\":null}", AS_ARRAY, false, "top.v"},
	{"{\"v\":{}}", AS_OBJECT, true, ""},
	{"{\"v\":[]}", AS_OBJECT, false, "top.v"},
	{"{\"v\":null}", AS_OBJECT, false, "top.v"},
	{"{\"v\":null}", AS_ANY, true, ""},
	{"{\"w\":null}", AS_ANY, false, "top.v"},
	{"{\"v\":\"right\"}", AS_LITERAL, true, ""},
	{"{\"v\":\"righ\"}", AS_LITERAL, false, "top.v"},
	{"{\"v\":null}", AS_LITERAL, false, "top.v"},
	{"{\"v\":1,\"w\":2}", AS_ANY, false, "top.w"},
	{"{\"a\\u001b\":2,\"v\":1}", AS_ANY, false, "top.a\\x1b"},
};

Test(ipc_field, getters_check_presence_type_range_and_leftovers)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_object *object = json_tokener_parse(cases[i].json);
		struct fields fields;
		struct fault fault = {0};
		enum fault_code code =
			fields_open(&fields, object, "top", FAULT_POLICY_FORMAT, &fault);

		if (code == FAULT_NONE)
			code = get(cases[i].getter, &fields, &fault);
		if (code == FAULT_NONE)
			code = fields_close(&fields, &fault);
		cr_expect_eq(code, cases[i].accepted ? FAULT_NONE : FAULT_POLICY_FORMAT, "%s as %d",
			     cases[i].json, cases[i].getter);
		cr_expect_str_eq(fault.path, cases[i].path, "%s", cases[i].json);
		json_object_put(object);
	}
}

static struct json_object *wide(int members)
{
	struct json_object *object = object_new();
	char name[16];

	for (int i = 0; i < members; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		object_add_integer(object, name, i);
	}
	return object;
}

Test(ipc_field, an_object_has_at_most_64_members)
{
	for (int members = 63; members <= 65; members++) {
		struct json_object *object = wide(members);
		struct fields fields;
		struct fault fault;

		cr_expect_eq(fields_open(&fields, object, "", FAULT_RUN_INIT, &fault),
			     members <= 64 ? FAULT_NONE : FAULT_RUN_INIT, "%d", members);
		json_object_put(object);
	}
}

Test(ipc_field, each_of_64_members_is_marked_by_itself)
{
	for (int left_out = 0; left_out < 64; left_out++) {
		struct json_object *object = wide(64);
		struct fields fields;
		struct fault fault;
		char name[16];

		cr_assert_eq(fields_open(&fields, object, "", FAULT_RUN_INIT, &fault), FAULT_NONE);
		for (int i = 0; i < 64; i++) {
			int64_t value;

			snprintf(name, sizeof(name), "m%d", i);
			if (i != left_out)
				cr_expect_eq(fields_integer(&fields, name, i, i, &value, &fault),
					     FAULT_NONE);
		}
		snprintf(name, sizeof(name), "m%d", left_out);
		cr_expect_eq(fields_close(&fields, &fault), FAULT_RUN_INIT);
		cr_expect_str_eq(fault.path, name);
		json_object_put(object);
	}
}

Test(ipc_field, only_an_object_has_fields)
{
	static const char *const values[] = {"[]", "1", "\"x\"", "null", "true"};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct json_object *value = json_tokener_parse(values[i]);
		struct fields fields;
		struct fault fault;

		cr_expect_eq(fields_open(&fields, value, "p", FAULT_RUN_INIT, &fault),
			     FAULT_RUN_INIT);
		cr_expect_str_eq(fault.path, "p");
		json_object_put(value);
	}
}

Test(ipc_field, null_is_told_from_absent)
{
	struct json_object *object = json_tokener_parse("{\"n\":null,\"v\":1}");
	struct fields fields;
	struct fault fault;

	cr_assert_eq(fields_open(&fields, object, "", FAULT_RUN_INIT, &fault), FAULT_NONE);
	cr_expect(fields_has(&fields, "n"));
	cr_expect_not(fields_has(&fields, "x"));
	cr_expect_not(fields_null(&fields, "x"));
	cr_expect_not(fields_null(&fields, "v"));
	cr_expect(fields_null(&fields, "n"));
	cr_expect_eq(fields_close(&fields, &fault), FAULT_RUN_INIT);
	cr_expect_str_eq(fault.path, "v", "looking does not mark what is not null");
	json_object_put(object);
}

Test(ipc_field, paths)
{
	char path[16], small[6];

	field_path_name(path, sizeof(path), "", "a");
	cr_expect_str_eq(path, "a");
	field_path_name(path, sizeof(path), "a", "b");
	cr_expect_str_eq(path, "a.b");
	field_path_index(path, sizeof(path), "a", 12);
	cr_expect_str_eq(path, "a[12]");
	field_path_index(path, sizeof(path), "", 0);
	cr_expect_str_eq(path, "[0]");
	field_path_name(small, sizeof(small), "abc", "defgh");
	cr_expect_str_eq(small, "abc.d");
	field_path_name(small, sizeof(small), "abcdefgh", "x");
	cr_expect_str_eq(small, "abcde");
	field_path_index(small, sizeof(small), "abcd", 7);
	cr_expect_str_eq(small, "abcd[");
}
