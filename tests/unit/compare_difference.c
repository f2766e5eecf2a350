/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/compare/difference.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool says(struct span span, const char *text)
{
	return text == NULL ? span.len == 0 : span_equal(span, text);
}

Test(compare_difference, is_where_it_begins)
{
	static const struct {
		const char *recorded, *replayed;
		bool same;
		size_t offset;
		const char *path, *a, *b; /* NULL: nothing */
	} rows[] = {
		{"{\"a\":1}\n", "{\"a\":1}\n", true, 0, "", NULL, NULL},
		{"", "", true, 0, "", NULL, NULL},
		{"{\"a\":1}", "{\"a\":2}", false, 5, "a", "1", "2"},
		{"{\"a\":1}", "{\"a\":12}", false, 6, "a", "1", "12"},
		{"{\"a\":{\"b\":[1,2]}}", "{\"a\":{\"b\":[1,3]}}", false, 13, "a.b[1]", "2", "3"},
		{"{\"a\":[1]}", "{\"a\":[1,2]}", false, 7, "a[1]", NULL, "2"},
		{"{\"a\":[1,2]}", "{\"a\":[1]}", false, 7, "a[1]", "2", NULL},
		{"{\"a\":1}", "{\"a\":1,\"b\":2}", false, 6, "b", NULL, "2"},
		{"{\"a\":1,\"c\":3}", "{\"a\":1,\"b\":2,\"c\":3}", false, 8, "b", NULL, "2"},
		{"{\"b\":1}", "{\"a\":1,\"b\":1}", false, 2, "a", NULL, "1"},
		{"{\"a\":\"x\"}", "{\"a\":{\"x\":1}}", false, 5, "a", "\"x\"", "{\"x\":1}"},
		{"[]", "{}", false, 0, "", "[]", "{}"},
		/* behind a whole line: the line that differs */
		{"1\n{\"a\":1}\n", "1\n{\"a\":2}\n", false, 7, "line[1].a", "1", "2"},
		{"1\n", "1\n2\n", false, 2, "", NULL, NULL},
		/* no JSON: the byte alone */
		{"abc", "abd", false, 2, "", NULL, NULL},
		{"{\"a\":1}", "", false, 0, "", NULL, NULL},
		{"{\"a\": 1}", "{\"a\":1}", false, 5, "", NULL, NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct span a = {rows[i].recorded, strlen(rows[i].recorded)};
		struct span b = {rows[i].replayed, strlen(rows[i].replayed)};
		struct difference found;

		difference_find(a, b, &found);
		cr_expect_eq(found.same, rows[i].same, "%s", rows[i].recorded);
		cr_expect_eq(found.offset, rows[i].offset, "%s: %zu", rows[i].recorded,
			     found.offset);
		cr_expect_str_eq(found.path, rows[i].path);
		cr_expect(says(found.recorded, rows[i].a) && says(found.replayed, rows[i].b),
			  "%s | %s: %.*s | %.*s", rows[i].recorded, rows[i].replayed,
			  (int)found.recorded.len, found.recorded.at, (int)found.replayed.len,
			  found.replayed.at);
	}
}
