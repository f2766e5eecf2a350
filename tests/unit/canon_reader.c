/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/canon_reader.h"

#include "cmd/canon_number.h"
#include "cmd/canon_text.h"
#include "tests/support/child.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum fault_code read_canonical(const char *text, size_t len, struct buf *out,
				      struct fault *fault)
{
	/* Exactly the NUL the reader is promised, so a sanitizer sees a byte more. */
	char *copy = malloc(len + 1);
	enum fault_code code;

	memcpy(copy, text, len);
	copy[len] = '\0';
	buf_init(out, 1 << 20);
	code = canon_reader_write(copy, len, out, fault);
	free(copy);
	return code;
}

Test(canon_reader, writes_the_canonical_form)
{
	struct vector_set inputs, outputs;

	vectors_load("canon/accept", &inputs);
	vectors_load("canon/canonical", &outputs);
	cr_assert_eq(inputs.count, outputs.count);
	for (size_t i = 0; i < inputs.count; i++) {
		struct fault fault = {0};
		struct buf out, again;

		cr_assert_str_eq(inputs.items[i].name, outputs.items[i].name);
		cr_expect_eq(
			read_canonical(inputs.items[i].data, inputs.items[i].len, &out, &fault),
			FAULT_NONE, "%s: %s", inputs.items[i].name, fault.message);
		cr_expect_eq(out.len, outputs.items[i].len, "%s", inputs.items[i].name);
		cr_expect_eq(memcmp(out.data, outputs.items[i].data, out.len), 0, "%s: %.*s",
			     inputs.items[i].name, (int)out.len, out.data);
		cr_expect_eq(read_canonical(out.data, out.len, &again, &fault), FAULT_NONE);
		cr_expect(again.len == out.len && memcmp(again.data, out.data, out.len) == 0,
			  "%s changes when written twice", inputs.items[i].name);
		buf_release(&out);
		buf_release(&again);
	}
	vectors_release(&inputs);
	vectors_release(&outputs);
}

Test(canon_reader, refuses_what_has_no_canonical_form)
{
	struct vector_set inputs;

	vectors_load("canon/reject", &inputs);
	for (size_t i = 0; i < inputs.count; i++) {
		struct fault fault = {0};
		struct buf out;

		cr_expect_eq(
			read_canonical(inputs.items[i].data, inputs.items[i].len, &out, &fault),
			FAULT_REPORT_CANONICAL, "%s", inputs.items[i].name);
		cr_expect_eq(strncmp(fault.message, "byte ", 5), 0, "%s", fault.message);
		buf_release(&out);
	}
	vectors_release(&inputs);
}

/* What our own records keep to is canonical in the full form too. */
Test(canon_reader, leaves_records_as_they_are)
{
	struct vector_set inputs;

	vectors_load("records/accept", &inputs);
	for (size_t i = 0; i < inputs.count; i++) {
		struct fault fault = {0};
		struct buf out;

		cr_expect_eq(
			read_canonical(inputs.items[i].data, inputs.items[i].len, &out, &fault),
			FAULT_NONE, "%s: %s", inputs.items[i].name, fault.message);
		cr_expect(out.len == inputs.items[i].len &&
				  memcmp(out.data, inputs.items[i].data, out.len) == 0,
			  "%s", inputs.items[i].name);
		buf_release(&out);
	}
	vectors_release(&inputs);
}

/* RFC 8785, appendix B: the bits of a double and its text. */
Test(canon_number, prints_as_the_rfc_lists)
{
	char *path = vectors_path("canon/rfc8785-appendix-b.txt"), *text, *line, *rest;
	size_t len, count = 0;

	text = child_read_file(path, &len);
	cr_assert_not_null(text);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *expected;
		uint64_t bits = strtoull(line, &expected, 16);
		double value;
		struct buf out;

		memcpy(&value, &bits, sizeof(value));
		buf_init(&out, 64);
		canon_number_write(&out, value);
		buf_append(&out, "", 1);
		cr_expect_str_eq(out.data, expected + 1, "%s", line);
		buf_release(&out);
		count++;
	}
	cr_expect_eq(count, 27);
	free(text);
	free(path);
}

/* Every power of two and its neighbours: reads back, and no shorter text does. */
Test(canon_number, is_the_shortest_that_reads_back)
{
	for (uint64_t exponent = 0; exponent < 0x7FF; exponent++) {
		for (int step = -1; step <= 1; step++) {
			uint64_t bits = (exponent << 52) + (uint64_t)step;
			char shorter[32];
			double value;
			struct buf out;
			int digits = 0;

			if (exponent == 0 && step <= 0)
				continue;
			memcpy(&value, &bits, sizeof(value));
			buf_init(&out, 64);
			canon_number_write(&out, value);
			buf_append(&out, "", 1);
			cr_assert_eq(strtod(out.data, NULL), value, "%s", out.data);
			while (snprintf(shorter, sizeof(shorter), "%.*e", digits, value) > 0 &&
			       strtod(shorter, NULL) != value)
				digits++;
			/* Digits, a point, "0." and zeros, an exponent. */
			if (strchr(out.data, 'e') != NULL)
				cr_assert_leq(strcspn(out.data, "e"), (size_t)digits + 2, "%s %s",
					      out.data, shorter);
			buf_release(&out);
		}
	}
}

static const struct {
	const char *left, *right;
	int order;
} orders[] = {
	{"", "", 0},
	{"", "a", -1},
	{"a", "a", 0},
	{"a", "ab", -1},
	{"B", "a", -1},
	{"\x7f", "\xc2\x80", -1},
	{"\xed\x9f\xbf", "\xf0\x90\x80\x80", -1},     /* U+D7FF, U+10000 */
	{"\xf0\x90\x80\x80", "\xee\x80\x80", -1},     /* U+10000, U+E000 */
	{"\xf4\x8f\xbf\xbf", "\xef\xbf\xbf", -1},     /* U+10FFFF, U+FFFF */
	{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x81", -1}, /* the same high surrogate */
	{"x\xf0\x9f\x98\x80", "x\xef\xac\xb3", -1},
};

Test(canon_text, sorts_by_utf16_code_units)
{
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		size_t left = strlen(orders[i].left), right = strlen(orders[i].right);

		cr_expect_eq(canon_text_compare(orders[i].left, left, orders[i].right, right),
			     orders[i].order, "case %zu", i);
		cr_expect_eq(canon_text_compare(orders[i].right, right, orders[i].left, left),
			     -orders[i].order, "case %zu turned", i);
	}
}
