/* SPDX-License-Identifier: Apache-2.0 */
/* What sr-unpack makes of names and documents, each by itself. */
#include "stages/unpack/document.h"
#include "stages/unpack/extract.h"
#include "stages/unpack/oci.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(unpack_name, is_a_path_in_the_tree)
{
	static const struct {
		const char *name, *expected; /* NULL: refused */
	} cases[] = {
		{"a", "a"},
		{"./a", "a"},
		{"a/", "a"},
		{"a//b/./c//", "a/b/c"},
		{"./", ""},
		{".", ""},
		{"...", "..."},
		{"..a/b..", "..a/b.."},
		{"a\nb\x1b[0m", "a\nb\x1b[0m"},
		{"/", NULL},
		{"/a", NULL},
		{"..", NULL},
		{"../a", NULL},
		{"a/..", NULL},
		{"a/../b", NULL},
		{"./..", NULL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char out[BOUNDS_PATH];
		struct fault fault;
		enum fault_code code = extract_name(cases[i].name, out, &fault);

		cr_expect_eq(code == FAULT_NONE, cases[i].expected != NULL, "%s", cases[i].name);
		if (code == FAULT_NONE && cases[i].expected != NULL)
			cr_expect_str_eq(out, cases[i].expected);
	}
}

Test(unpack_name, has_its_limits)
{
	char name[3 * BOUNDS_PATH], out[BOUNDS_PATH];
	struct fault fault;

	for (size_t len = 254; len <= 256; len++) {
		memset(name, 'n', len);
		name[len] = '\0';
		cr_expect_eq(extract_name(name, out, &fault) == FAULT_NONE, len <= 255, "%zu", len);
	}
	for (size_t depth = BOUNDS_DEPTH - 1; depth <= BOUNDS_DEPTH + 1; depth++) {
		name[0] = '\0';
		for (size_t i = 0; i < depth; i++)
			strcat(name, "d/");
		cr_expect_eq(extract_name(name, out, &fault) == FAULT_NONE, depth <= BOUNDS_DEPTH);
	}
	/* Components of 200 bytes and one that makes the whole of it just fit. */
	for (size_t len = BOUNDS_PATH - 2; len <= BOUNDS_PATH; len++) {
		memset(name, 'n', len);
		for (size_t i = 200; i < len; i += 201)
			name[i] = '/';
		name[len] = '\0';
		cr_expect_eq(extract_name(name, out, &fault) == FAULT_NONE, len < BOUNDS_PATH,
			     "%zu", len);
	}
}

static bool parses(const char *text, size_t len)
{
	struct json_object *value;
	struct fault fault;
	/* Nothing may be read behind it. */
	char *exact = malloc(len > 0 ? len : 1);
	enum fault_code code;

	memcpy(exact, text, len);
	code = document_parse(exact, len, "test", &value, &fault);
	cr_expect_eq(value != NULL, code == FAULT_NONE);
	json_object_put(value);
	free(exact);
	return code == FAULT_NONE;
}

Test(unpack_document, is_json_and_nothing_else)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{"{}", true},
		{"[]", true},
		{" {\"a\" : [1, 2.5, null, true, \"x:\\\":y\"]}\r\n\t ", true},
		{"{\"a\":{\"a\":1},\"b\":{\"a\":1}}", true},
		{"{\"a\":1,\"a\":1}", false},
		{"{\"a\":{\"b\":1,\"b\":2}}", false},
		{"[{\"a\":1,\"\\u0061\":2}]", false},
		{"{\"a\":1,}", false},
		{"{\"a\":1}x", false},
		{"{\"a\":1}{}", false},
		{"{a:1}", false},
		{"'a'", false},
		{"\"a\"", false},
		{"1", false},
		{"null", false},
		{"", false},
		{"{", false},
		{"{\"a\":\"\xff\"}", false},
		{"/* c */ {}", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_expect_eq(parses(cases[i].text, strlen(cases[i].text)), cases[i].good, "%s",
			     cases[i].text);
	cr_expect_not(parses("{}\0", 3));
}

Test(unpack_document, has_its_limits)
{
	char *text = malloc(DOCUMENT_MAX + 2);
	char deep[2 * DOCUMENT_DEPTH + 8];

	for (size_t len = DOCUMENT_MAX - 1; len <= DOCUMENT_MAX + 1; len++) {
		memset(text, ' ', len);
		memcpy(text, "{}", 2);
		cr_expect_eq(parses(text, len), len <= DOCUMENT_MAX, "%zu", len);
	}
	free(text);
	for (size_t depth = DOCUMENT_DEPTH - 1; depth <= DOCUMENT_DEPTH + 1; depth++) {
		memset(deep, '[', depth);
		memset(deep + depth, ']', depth);
		cr_expect_eq(parses(deep, 2 * depth), depth <= DOCUMENT_DEPTH, "%zu", depth);
	}
}

#define ITEM(type, platform)                                                                       \
	"{\"mediaType\":\"application/vnd." type "\",\"digest\":\"x\"" platform "}"
#define AMD64	 ",\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\"}"
#define ARM64	 ",\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\"}"
#define UNKNOWN	 ",\"platform\":{\"architecture\":\"unknown\",\"os\":\"unknown\"}"
#define MANIFEST "oci.image.manifest.v1+json"
#define INDEX	 "oci.image.index.v1+json"

Test(unpack_oci, chooses_the_one_for_this_machine)
{
	static const struct {
		const char *list;
		int nested; /* -1: refused */
	} cases[] = {
		{ITEM(MANIFEST, AMD64), 0},
		{ITEM(MANIFEST, ""), 0},
		{ITEM(INDEX, ""), 1},
		{ITEM("docker.distribution.manifest.v2+json", AMD64), 0},
		{ITEM("docker.distribution.manifest.list.v2+json", ""), 1},
		{ITEM(MANIFEST, ARM64) "," ITEM(MANIFEST, AMD64) "," ITEM(MANIFEST, UNKNOWN), 0},
		{ITEM("oci.other+json", AMD64) "," ITEM(MANIFEST, AMD64), 0},
		{ITEM(MANIFEST, AMD64) "," ITEM(MANIFEST, AMD64), -1},
		{ITEM(MANIFEST, AMD64) "," ITEM(MANIFEST, ""), -1},
		{ITEM(MANIFEST, ARM64), -1},
		{ITEM(MANIFEST, ",\"platform\":null"), 0},
		{ITEM(MANIFEST, ",\"platform\":[]"), -1},
		{"1,null,\"x\",[]", -1},
		{"", -1},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct json_object *index, *descriptor;
		char text[2048];
		struct fault fault;
		int nested = -1;
		enum fault_code code;

		snprintf(text, sizeof text, "{\"schemaVersion\":2,\"manifests\":[%s]}",
			 cases[i].list);
		cr_assert_eq(document_parse(text, strlen(text), "test", &index, &fault), FAULT_NONE,
			     "%s", text);
		code = oci_choose(index, &descriptor, &nested, &fault);
		cr_expect_eq(code == FAULT_NONE, cases[i].nested >= 0, "%s", cases[i].list);
		if (code == FAULT_NONE)
			cr_expect_eq(nested, cases[i].nested);
		json_object_put(index);
	}
}

Test(unpack_oci, takes_as_many_layers_as_an_image_may_have)
{
	static const char layer[] =
		"{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"sha256:"
		"0000000000000000000000000000000000000000000000000000000000000000\",\"size\":1}";

	for (size_t count = BOUNDS_LAYERS - 1; count <= BOUNDS_LAYERS + 1; count++) {
		struct oci_image *image = calloc(1, sizeof *image);
		struct json_object *manifest = json_tokener_parse(
			"{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:"
			"0000000000000000000000000000000000000000000000000000000000000000\"}}");
		struct json_object *layers = json_object_new_array();
		struct fault fault;

		for (size_t i = 0; i < count; i++)
			json_object_array_add(layers, json_tokener_parse(layer));
		json_object_object_add(manifest, "layers", layers);
		cr_expect_eq(oci_take_manifest(manifest, image, &fault) == FAULT_NONE,
			     count <= BOUNDS_LAYERS, "%zu", count);
		json_object_put(manifest);
		free(image);
	}
}
