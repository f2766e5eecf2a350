/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/input.h"

#include "tests/unit/validate_run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* head, then body n times with its number for each #, then tail. */
static char *repeat(const char *head, const char *body, size_t count, const char *tail)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_not_null(out);
	fputs(head, out);
	for (size_t i = 0; i < count; i++) {
		char number[24];
		char *filled;

		snprintf(number, sizeof(number), "%zu", i);
		filled = run_fill(body, number);
		fputs(filled, out);
		free(filled);
	}
	fputs(tail, out);
	fclose(out);
	return text;
}

static enum fault_code parse(char *text, struct fault *fault)
{
	struct document document DOCUMENT_CLEANUP;
	enum fault_code code;

	document_init(&document);
	*fault = (struct fault){0};
	code = input_parse(text, strlen(text), &document, fault);
	cr_expect_eq(code, fault->code);
	free(text);
	return code;
}

static const struct {
	const char *head, *body, *tail;
	size_t max;
	const char *message;
} caps[] = {
	{"a:", "\n- x", "\n", DOCUMENT_NODES_MAX - 3, "more than 16384 values"},
	{"{\"a\":[1", ",#", "]}", DOCUMENT_NODES_MAX - 4, "more than 16384 values"},
	{"", "k#: x\n", "", DOCUMENT_MEMBERS_MAX, "more than 1024 keys"},
	{"{\"k\":1", ",\"k#\":1", "}", DOCUMENT_MEMBERS_MAX - 1, "more than 1024 keys"},
};

Test(validate_reader, count_caps)
{
	for (size_t i = 0; i < COUNT(caps); i++) {
		for (size_t count = caps[i].max - 1; count <= caps[i].max + 1; count++) {
			struct fault fault;
			enum fault_code code = parse(
				repeat(caps[i].head, caps[i].body, count, caps[i].tail), &fault);

			cr_expect_eq(code == FAULT_NONE, count <= caps[i].max, "%zu: %zu %s", i,
				     count, fault.message);
			if (code != FAULT_NONE)
				cr_expect_not_null(strstr(fault.message, caps[i].message), "%s",
						   fault.message);
		}
	}
}

/* In both readers; the mapping at the top is the first level. */
Test(validate_reader, depth_cap)
{
	static const struct {
		const char *head, *open, *close;
	} forms[] = {{"a: ", "[", "]"}, {"{\"a\":", "[", "]"}, {"a: ", "{b: ", "}"}};

	for (size_t i = 0; i < COUNT(forms); i++) {
		for (size_t depth = DOCUMENT_DEPTH_MAX - 1; depth <= DOCUMENT_DEPTH_MAX + 1;
		     depth++) {
			char *opening = repeat(forms[i].head, forms[i].open, depth - 1, "");
			char *closing = repeat("", forms[i].close, depth - 1,
					       forms[i].head[0] == '{' ? "}" : "\n");
			char *text;
			struct fault fault;

			cr_assert_geq(asprintf(&text, "%s%s", opening, closing), 0);
			cr_expect_eq(parse(text, &fault) == FAULT_NONE, depth <= DOCUMENT_DEPTH_MAX,
				     "form %zu depth %zu: %s", i, depth, fault.message);
			free(opening);
			free(closing);
		}
	}
}

/* Deep enough to overflow a stack, were it followed. */
Test(validate_reader, very_deep)
{
	struct fault fault;

	cr_expect_eq(parse(repeat("", "[", 100000, ""), &fault), FAULT_POLICY_FORMAT);
	cr_expect_eq(parse(repeat("{\"a\":", "[", 100000, ""), &fault), FAULT_POLICY_FORMAT);
	cr_expect_eq(parse(repeat("", "- ", 100000, "x"), &fault), FAULT_POLICY_FORMAT);
	cr_expect_eq(parse(repeat("", "{a: ", 100000, ""), &fault), FAULT_POLICY_FORMAT);
}

/* Both readers make the same tree of the same text where both understand it. */
static void compare(const struct node *one, const struct node *other)
{
	cr_assert_eq(one->kind, other->kind);
	cr_assert_eq(one->count, other->count);
	if (one->kind == NODE_SCALAR) {
		cr_assert_eq(one->len, other->len);
		cr_assert_arr_eq(one->text, other->text, one->len);
		cr_assert_eq(one->quoted, other->quoted);
	}
	cr_assert_eq(one->key == NULL, other->key == NULL);
	if (one->key != NULL)
		compare(one->key, other->key);
	for (struct node *a = one->first, *b = other->first; a != NULL; a = a->next, b = b->next)
		compare(a, b);
}

Test(validate_reader, json_and_yaml_agree)
{
	static const char json[] = "{\"a\": [1, -2.5e3, true, null, \"\"],\n \"b\": {\"c\": "
				   "\"\\u00e9\\n\\t\\\"\\\\\\/\"}, \"d\": {}, \"e\": []}";
	struct document from_json DOCUMENT_CLEANUP;
	struct document from_yaml DOCUMENT_CLEANUP;
	char *yaml;
	struct fault fault;

	document_init(&from_json);
	document_init(&from_yaml);
	cr_assert_geq(asprintf(&yaml, "---\n%s", json), 0);
	cr_assert_eq(input_parse(json, strlen(json), &from_json, &fault), FAULT_NONE, "%s",
		     fault.message);
	cr_assert_eq(input_parse(yaml, strlen(yaml), &from_yaml, &fault), FAULT_NONE, "%s",
		     fault.message);
	compare(from_json.root, from_yaml.root);
	free(yaml);
}

static const struct {
	const char *text;
	unsigned line, column;
	const char *path;
} positions[] = {
	{"a: 1\nb:\n  c: &x 2\n", 3, 6, "b.c"},
	{"a:\n  - 1\n  - [x, *y]\n", 3, 9, "a[1][1]"},
	{"a: {b: [{c: !t x}]}\n", 1, 13, "a.b[0].c"},
	{"\xc3\xa9: *x\n", 1, 4, "\xc3\xa9"},
	{"{\"a\":\n [1,\n  \"\xc3\xa9\" ?]}", 3, 7, "a[2]"},
};

Test(validate_reader, positions)
{
	for (size_t i = 0; i < COUNT(positions); i++) {
		struct fault fault;
		char where[64];

		snprintf(where, sizeof(where), "line %u, column %u: ", positions[i].line,
			 positions[i].column);
		cr_expect_eq(parse(strdup(positions[i].text), &fault), FAULT_POLICY_FORMAT);
		cr_expect_str_eq(fault.path, positions[i].path);
		cr_expect_eq(strncmp(fault.message, where, strlen(where)), 0, "%s: %s", where,
			     fault.message);
	}
}
