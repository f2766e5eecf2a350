/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/canon.h"
#include "ipc/object.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parses(const char *data, size_t len, struct fault *fault)
{
	struct json_object *value;
	enum fault_code code = canon_parse(data, len, FAULT_COMPILE_MAPPING, &value, fault);

	cr_assert(code == FAULT_NONE || code == FAULT_COMPILE_MAPPING);
	cr_assert(code == FAULT_NONE || (value == NULL && fault->message[0] != '\0'));
	json_object_put(value);
	return code == FAULT_NONE;
}

static void expect_all(const char *set, bool canonical)
{
	struct vector_set vectors;

	vectors_load(set, &vectors);
	for (size_t i = 0; i < vectors.count; i++) {
		struct vector *vector = &vectors.items[i];
		struct fault fault = {0};
		/* Exactly as long as the data, so a sanitizer sees a byte read too far. */
		char *data = malloc(vector->len > 0 ? vector->len : 1);
		size_t offset = 0;

		memcpy(data, vector->data, vector->len);
		cr_expect_eq(canon_check(data, vector->len, &offset), canonical,
			     "canon_check of %s (stopped at %zu)", vector->name, offset);
		cr_expect_eq(parses(data, vector->len, &fault), canonical, "canon_parse of %s: %s",
			     vector->name, fault.message);
		cr_expect(offset <= vector->len && (!canonical || offset == vector->len),
			  "offset %zu of %s", offset, vector->name);
		free(data);
	}
	vectors_release(&vectors);
}

Test(ipc_canon, accepts_every_accept_vector)
{
	expect_all("records/accept", true);
}

Test(ipc_canon, refuses_every_reject_vector)
{
	expect_all("records/reject", false);
}

/* Whatever is cut or flipped, the two readings agree. */
static void expect_agreement(const char *data, size_t len)
{
	struct fault fault;
	bool checked = canon_check(data, len, NULL);

	cr_expect_eq(checked, parses(data, len, &fault), "disagree (check says %d) on %.*s",
		     checked, (int)len, data);
}

Test(ipc_canon, readings_agree_on_every_truncation)
{
	struct vector_set vectors;

	vectors_load("records/accept", &vectors);
	for (size_t i = 0; i < vectors.count; i++)
		for (size_t len = 0; len < vectors.items[i].len && len < 600; len++)
			expect_agreement(vectors.items[i].data, len);
	vectors_release(&vectors);
}

Test(ipc_canon, readings_agree_on_every_bit_flip)
{
	struct vector_set vectors;

	vectors_load("records/accept", &vectors);
	for (size_t i = 0; i < vectors.count; i++) {
		struct vector *vector = &vectors.items[i];

		for (size_t bit = 0; bit < vector->len * 8 && bit < 4000; bit++) {
			vector->data[bit / 8] ^= (char)(1 << bit % 8);
			expect_agreement(vector->data, vector->len);
			vector->data[bit / 8] ^= (char)(1 << bit % 8);
		}
	}
	vectors_release(&vectors);
}

static char *written(struct json_object *value)
{
	struct fault fault;
	struct buf out;

	buf_init(&out, 1 << 20);
	cr_assert_eq(canon_write(value, &out, FAULT_COMPILE_MAPPING, &fault), FAULT_NONE, "%s",
		     fault.message);
	buf_append(&out, "", 1);
	json_object_put(value);
	return out.data;
}

Test(ipc_canon, sorts_names_by_byte_whatever_the_order_they_came_in)
{
	struct json_object *object = object_new();
	char name[8], *text, expected[64 * 8] = "{", *end = expected + 1;

	/* More than fit the writer's stack. */
	for (int i = 39; i >= 0; i--) {
		snprintf(name, sizeof(name), "n%02d", i);
		object_add_integer(object, name, i);
	}
	for (int i = 0; i < 40; i++)
		end += snprintf(end, 16, "%s\"n%02d\":%d", i ? "," : "", i, i);
	strcpy(end, "}");
	text = written(object);
	cr_expect_str_eq(text, expected);
	free(text);
}

static const struct {
	const char *json; /* read by json-c, leniently */
	const char *path;
} unwritable[] = {
	{"1.5", ""},
	{"{\"a\":{\"b\":[0,1.0]}}", "a.b[1]"},
	{"[9007199254740992]", "[0]"},
	{"{\"x\":-9007199254740992}", "x"},
	{"{\"x\":18446744073709551615}", "x"},
	{"{\"x\":[{\"y\":\"\\u007f\"}]}", "x[0].y"},
	{"{\"x\":\"\\u0000\"}", "x"},
	{"{\"a\":{\"\\u00e9\":1}}", "a.\xc3\xa9"},
	{"{\"a\\u007f\":1}", "a\\x7f"},
};

Test(ipc_canon, refuses_what_is_outside_the_subset_and_says_where)
{
	for (size_t i = 0; i < sizeof(unwritable) / sizeof(unwritable[0]); i++) {
		struct json_object *value = json_tokener_parse(unwritable[i].json);
		struct fault fault = {0};
		struct buf out;

		buf_init(&out, 1 << 16);
		buf_append_text(&out, "before");
		cr_expect_eq(canon_write(value, &out, FAULT_RUN_INIT, &fault), FAULT_RUN_INIT, "%s",
			     unwritable[i].json);
		cr_expect_str_eq(fault.path, unwritable[i].path);
		cr_expect_eq(out.len, 6, "nothing of a refused value stays");
		buf_release(&out);
		json_object_put(value);
	}
}

Test(ipc_canon, refuses_strings_that_are_not_utf8)
{
	static const char *const bad[] = {"\xff", "\xc0\xaf", "\xed\xa0\x80", "a\xe2\x82", "\x80"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct json_object *value = json_object_new_string(bad[i]);
		struct fault fault;
		struct buf out;

		buf_init(&out, 64);
		cr_expect_eq(canon_write(value, &out, FAULT_RUN_INIT, &fault), FAULT_RUN_INIT);
		buf_release(&out);
		json_object_put(value);
	}
}

static struct json_object *nested(int depth, bool objects)
{
	struct json_object *inner = NULL;

	for (int i = 0; i < depth; i++) {
		struct json_object *outer = objects ? object_new() : array_new();

		if (objects)
			object_add(outer, "a", inner);
		else
			array_append(outer, inner);
		inner = outer;
	}
	return inner;
}

Test(ipc_canon, writes_32_levels_and_not_33)
{
	for (int objects = 0; objects < 2; objects++) {
		for (int depth = 31; depth <= 33; depth++) {
			struct json_object *value = nested(depth, objects);
			struct fault fault;
			struct buf out;

			buf_init(&out, 1024);
			cr_expect_eq(canon_write(value, &out, FAULT_RUN_INIT, &fault),
				     depth <= 32 ? FAULT_NONE : FAULT_RUN_INIT, "depth %d", depth);
			if (depth <= 32)
				cr_expect(canon_check(out.data, out.len, NULL));
			buf_release(&out);
			json_object_put(value);
		}
	}
}

Test(ipc_canon, says_when_the_buffer_is_too_small)
{
	for (size_t cap = 6; cap <= 8; cap++) {
		struct json_object *value = json_object_new_string("hello");
		struct fault fault;
		struct buf out;

		buf_init(&out, cap);
		cr_expect_eq(canon_write(value, &out, FAULT_RUN_INIT, &fault),
			     cap >= 7 ? FAULT_NONE : FAULT_RUN_INIT, "cap %zu", cap);
		buf_release(&out);
		json_object_put(value);
	}
}

/* The eight-bytes-at-a-time loop sees every special byte at every position. */
Test(ipc_canon, checks_every_byte_value_at_every_position)
{
	char text[40];

	for (size_t at = 1; at < sizeof(text) - 1; at++) {
		for (int byte = 0; byte < 256; byte++) {
			bool plain = byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
			size_t offset;

			memset(text, 'x', sizeof(text));
			text[0] = text[sizeof(text) - 1] = '"';
			text[at] = (char)byte;
			cr_expect_eq(canon_check(text, sizeof(text), &offset), plain,
				     "byte %#x at %zu", (unsigned)byte, at);
			cr_expect(plain || (offset >= at && offset <= sizeof(text)),
				  "byte %#x at %zu: stopped at %zu", (unsigned)byte, at, offset);
		}
	}
}
