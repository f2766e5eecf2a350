/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/span.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct span of(const char *text)
{
	return (struct span){.at = text, .len = strlen(text)};
}

static const struct {
	const char *text;
	enum span_kind kind;
} kinds[] = {
	{"{}", SPAN_OBJECT},  {"[]", SPAN_ARRAY},  {"\"\"", SPAN_STRING}, {"0", SPAN_INTEGER},
	{"-1", SPAN_INTEGER}, {"true", SPAN_BOOL}, {"false", SPAN_BOOL},  {"null", SPAN_NULL},
};

Test(seal_span, kinds)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		cr_expect_eq(span_kind(of(kinds[i].text)), kinds[i].kind, "%s", kinds[i].text);
}

Test(seal_span, walks_members_in_order_and_skips_what_is_inside)
{
	static const char *const expected[][2] = {
		{"a", "1"},
		{"b", "\"}]\\\",{\""},
		{"c", "[[{\"x\":\"]\"}],{}]"},
		{"d", "{\"a\":{\"a\":{}}}"},
		{"e\\\"", "null"},
	};
	struct span_walk walk;
	struct span key, value;

	cr_assert(span_walk_object(of("{\"a\":1,\"b\":\"}]\\\",{\",\"c\":[[{\"x\":\"]\"}],{}],"
				      "\"d\":{\"a\":{\"a\":{}}},\"e\\\"\":null}"),
				   &walk));
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		cr_assert(span_next_member(&walk, &key, &value));
		cr_expect(span_equal(key, expected[i][0]), "%.*s", (int)key.len, key.at);
		cr_expect(span_equal(value, expected[i][1]), "%.*s", (int)value.len, value.at);
	}
	cr_expect(!span_next_member(&walk, &key, &value));
	cr_expect_eq(walk.depth, 3);
}

Test(seal_span, walks_elements)
{
	struct span_walk walk;
	struct span value;
	size_t count = 0;

	cr_assert(span_walk_array(of("[]"), &walk));
	cr_expect(!span_next_element(&walk, &value));
	cr_assert(span_walk_array(of("[1,[2,3],\"4,5\",{\"a\":6}]"), &walk));
	while (span_next_element(&walk, &value))
		count++;
	cr_expect_eq(count, 4);
	cr_expect(!span_walk_array(of("{}"), &walk));
	cr_expect(!span_walk_object(of("[]"), &walk));
}

/* The quote stands at every offset of an eight-byte word, behind an escape and not. */
Test(seal_span, strings_end_where_they_end)
{
	for (size_t len = 0; len < 40; len++) {
		char text[64];
		struct span found;

		snprintf(text, sizeof(text), "{\"a\":\"%.*s\",\"b\":1}", (int)len,
			 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		cr_assert(span_member(of(text), "b", &found), "%s", text);
		cr_expect(span_equal(found, "1"));
		snprintf(text, sizeof(text), "{\"a\":\"%.*s\\\"\\\\\",\"b\":1}", (int)len,
			 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		cr_assert(span_member(of(text), "b", &found), "%s", text);
		cr_expect(span_equal(found, "1"));
	}
}

/* On text nobody checked the answers mean nothing, but every byte read is inside it. */
Test(seal_span, never_reads_past_the_end)
{
	static const char whole[] = "{\"a\":[1,{\"b\":\"c\\\"\"}],\"d\":{\"e\":[]},\"f\":\"g\"}";

	for (size_t len = 0; len < sizeof(whole); len++) {
		char *cut = malloc(len > 0 ? len : 1); /* exact: ASan sees one byte too far */
		struct span_walk walk;
		struct span key, value;

		memcpy(cut, whole, len);
		if (span_walk_object((struct span){cut, len}, &walk))
			while (span_next_member(&walk, &key, &value))
				cr_assert(value.at >= cut && value.at + value.len <= cut + len);
		free(cut);
	}
}

static const struct {
	const char *text;
	bool good;
	uint64_t value;
} decimals[] = {
	{"0", true, 0},
	{"1", true, 1},
	{"9007199254740991", true, 9007199254740991},
	{"18446744073709551615", true, UINT64_MAX},
	{"18446744073709551616", false, 0},
	{"99999999999999999999", false, 0},
	{"184467440737095516150", false, 0},
	{"", false, 0},
	{"00", false, 0},
	{"01", false, 0},
	{"-1", false, 0},
	{"1a", false, 0},
	{" 1", false, 0},
};

Test(seal_span, decimals)
{
	for (size_t i = 0; i < sizeof(decimals) / sizeof(decimals[0]); i++) {
		uint64_t value = 0;

		cr_expect_eq(span_decimal(of(decimals[i].text), &value), decimals[i].good, "%s",
			     decimals[i].text);
		if (decimals[i].good)
			cr_expect_eq(value, decimals[i].value);
	}
}

Test(seal_span, integers)
{
	int64_t value;

	cr_expect(span_integer(of("-9007199254740991"), &value) && value == -9007199254740991);
	cr_expect(!span_integer(of("9223372036854775808"), &value));
	cr_expect(!span_integer(of("\"1\""), &value));
	cr_expect(!span_integer(of("true"), &value));
}

static const struct {
	const char *key;
	int order; /* of "eventCount" against it */
} orders[] = {
	{"eventCount", 0},
	{"event", 1},
	{"eventCount2", -1},
	{"errors", 1},
	{"f", -1},
	{"", 1},
	{"event\\\"", 1},
	{"event\\u0001", 1},
	{"event\\\\", -1},
	{"eventCount\\\"", -1},
	{"E", 1},
};

Test(seal_span, order_of_a_plain_name_and_any_key)
{
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		int order = span_order("eventCount", of(orders[i].key));

		cr_expect_eq((order > 0) - (order < 0), orders[i].order, "%s", orders[i].key);
	}
}

Test(seal_span, copies_with_room_for_the_nul)
{
	char out[4];

	cr_expect(span_copy(of("abc"), out, sizeof(out)) && strcmp(out, "abc") == 0);
	cr_expect(!span_copy(of("abcd"), out, sizeof(out)));
}
