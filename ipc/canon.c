/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/canon.h"

#include "ipc/field.h"
#include "ipc/sort.h"
#include "ipc/utf8.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

/* Members sorted on the stack; an object with more borrows memory for the time. */
#define SORT_ON_STACK 32

/* Where the writer is: one link per container, on its stack, spelt out only for a fault. */
struct place {
	const struct place *parent;
	const char *name; /* NULL: an array element */
	size_t index;
	unsigned int depth;
};

struct writer {
	struct buf *out;
	enum fault_code code;
	struct fault *fault;
};

struct member {
	const char *name;
	struct json_object *value;
};

static enum fault_code write_value(struct writer *writer, const struct place *place,
				   struct json_object *value);

static void spell(const struct place *place, char out[FAULT_PATH_SIZE])
{
	const struct place *chain[CANON_DEPTH_MAX + 2];
	size_t count = 0;

	for (; place != NULL && place->parent != NULL; place = place->parent)
		chain[count++] = place;
	out[0] = '\0';
	while (count > 0) {
		char prefix[FAULT_PATH_SIZE];

		place = chain[--count];
		memcpy(prefix, out, sizeof(prefix));
		if (place->name != NULL)
			field_path_name(out, FAULT_PATH_SIZE, prefix, place->name);
		else
			field_path_index(out, FAULT_PATH_SIZE, prefix, place->index);
	}
}

static enum fault_code refuse(struct writer *writer, const struct place *place, const char *why)
{
	char path[FAULT_PATH_SIZE];

	spell(place, path);
	return fault_set(writer->fault, writer->code, path, "%s", why);
}

static const char *escape_of(unsigned char byte, char scratch[7])
{
	static const char hex[] = "0123456789abcdef";

	switch (byte) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\b':
		return "\\b";
	case '\t':
		return "\\t";
	case '\n':
		return "\\n";
	case '\f':
		return "\\f";
	case '\r':
		return "\\r";
	default:
		memcpy(scratch, "\\u00", 4);
		scratch[4] = hex[byte >> 4];
		scratch[5] = hex[byte & 0xF];
		scratch[6] = '\0';
		return scratch;
	}
}

void canon_write_string(struct buf *out, const char *text, size_t len)
{
	size_t plain = 0; /* first byte not copied yet */

	buf_append(out, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];
		char scratch[7];

		if (byte >= 0x20 && byte != '"' && byte != '\\')
			continue;
		buf_append(out, text + plain, i - plain);
		buf_append_text(out, escape_of(byte, scratch));
		plain = i + 1;
	}
	buf_append(out, text + plain, len - plain);
	buf_append(out, "\"", 1);
}

static enum fault_code write_string(struct writer *writer, const struct place *place,
				    const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t sequence = utf8_sequence(text + i, len - i);

		if (sequence == 0)
			return refuse(writer, place, "the string is not valid UTF-8");
		if (text[i] == '\0' || text[i] == 0x7F)
			return refuse(
				writer, place,
				"the string holds U+0000 or U+007F, which tools spell differently");
		i += sequence;
	}
	canon_write_string(writer->out, text, len);
	return FAULT_NONE;
}

static enum fault_code write_name(struct writer *writer, const struct place *place)
{
	size_t len = strlen(place->name);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)place->name[i] >= 0x7F)
			return refuse(writer, place, "the field's name is not plain ASCII");
	canon_write_string(writer->out, place->name, len);
	buf_append(writer->out, ":", 1);
	return FAULT_NONE;
}

static int compare_members(const void *left, const void *right, void *context)
{
	(void)context;
	return strcmp(((const struct member *)left)->name, ((const struct member *)right)->name);
}

/* What was parsed from canonical bytes is in order already. */
static void collect_sorted(struct json_object *object, struct member *members)
{
	bool sorted = true;
	size_t count = 0;

	json_object_object_foreach(object, name, value)
	{
		members[count] = (struct member){.name = name, .value = value};
		if (count > 0 && compare_members(&members[count - 1], &members[count], NULL) > 0)
			sorted = false;
		count++;
	}
	if (!sorted)
		sort_items(members, count, sizeof(*members), compare_members, NULL);
}

static enum fault_code write_members(struct writer *writer, const struct place *place,
				     const struct member *members, size_t count)
{
	struct place inner = {.parent = place, .depth = place->depth + 1};

	buf_append(writer->out, "{", 1);
	for (size_t i = 0; i < count; i++) {
		enum fault_code code;

		if (i > 0)
			buf_append(writer->out, ",", 1);
		inner.name = members[i].name;
		code = write_name(writer, &inner);
		if (code == FAULT_NONE)
			code = write_value(writer, &inner, members[i].value);
		if (code != FAULT_NONE)
			return code;
	}
	buf_append(writer->out, "}", 1);
	return FAULT_NONE;
}

static enum fault_code write_object(struct writer *writer, const struct place *place,
				    struct json_object *object)
{
	struct member on_stack[SORT_ON_STACK];
	struct member *members = on_stack;
	size_t count = (size_t)json_object_object_length(object);
	enum fault_code code;

	if (count > SORT_ON_STACK)
		members = calloc(count, sizeof(*members));
	if (members == NULL)
		buf_no_memory();
	collect_sorted(object, members);
	code = write_members(writer, place, members, count);
	if (members != on_stack)
		free(members);
	return code;
}

static enum fault_code write_array(struct writer *writer, const struct place *place,
				   struct json_object *array)
{
	struct place inner = {.parent = place, .depth = place->depth + 1};
	size_t count = json_object_array_length(array);

	buf_append(writer->out, "[", 1);
	for (inner.index = 0; inner.index < count; inner.index++) {
		enum fault_code code;

		if (inner.index > 0)
			buf_append(writer->out, ",", 1);
		code = write_value(writer, &inner, json_object_array_get_idx(array, inner.index));
		if (code != FAULT_NONE)
			return code;
	}
	buf_append(writer->out, "]", 1);
	return FAULT_NONE;
}

static enum fault_code write_integer(struct writer *writer, const struct place *place,
				     struct json_object *integer)
{
	/* json-c clamps what does not fit 64 bits, so every such value is refused here too. */
	int64_t value = json_object_get_int64(integer);

	if (value > CANON_INTEGER_MAX || value < -CANON_INTEGER_MAX)
		return refuse(writer, place,
			      "the integer is outside +-(2^53-1); larger ones travel as strings");
	if (value < 0)
		buf_append(writer->out, "-", 1);
	buf_append_u64(writer->out, (uint64_t)(value < 0 ? -value : value));
	return FAULT_NONE;
}

static enum fault_code write_value(struct writer *writer, const struct place *place,
				   struct json_object *value)
{
	enum json_type type = json_object_get_type(value);

	if (place->depth >= CANON_DEPTH_MAX &&
	    (type == json_type_object || type == json_type_array))
		return refuse(writer, place, "the value is nested more than 32 deep");
	switch (type) {
	case json_type_null:
		buf_append_text(writer->out, "null");
		return FAULT_NONE;
	case json_type_boolean:
		buf_append_text(writer->out, json_object_get_boolean(value) ? "true" : "false");
		return FAULT_NONE;
	case json_type_double:
		return refuse(writer, place, "the number is not an integer");
	case json_type_int:
		return write_integer(writer, place, value);
	case json_type_object:
		return write_object(writer, place, value);
	case json_type_array:
		return write_array(writer, place, value);
	case json_type_string:
		return write_string(writer, place, json_object_get_string(value),
				    (size_t)json_object_get_string_len(value));
	}
	return refuse(writer, place, "the value has no JSON type");
}

enum fault_code canon_write(struct json_object *value, struct buf *out, enum fault_code code,
			    struct fault *fault)
{
	struct writer writer = {.out = out, .code = code, .fault = fault};
	const struct place top = {.parent = NULL};
	size_t len_before = out->len;
	enum fault_code failed = write_value(&writer, &top, value);

	if (failed == FAULT_NONE && out->overflowed)
		failed = fault_set(fault, code, "", "the value takes more than %zu bytes",
				   out->max_len);
	if (failed != FAULT_NONE)
		out->len = len_before;
	return failed;
}
