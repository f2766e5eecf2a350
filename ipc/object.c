/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/object.h"

#include "ipc/buf.h"
#include "ipc/sort.h"
#include "ipc/utf8.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct json_object *made(struct json_object *value)
{
	if (value == NULL)
		buf_no_memory();
	return value;
}

static struct json_object *new_string(const char *text, size_t len)
{
	/* json-c counts in int; nothing of ours comes near. */
	if (len > INT_MAX)
		buf_no_memory();
	return made(json_object_new_string_len(text, (int)len));
}

struct json_object *object_new(void)
{
	return made(json_object_new_object());
}

struct json_object *array_new(void)
{
	return made(json_object_new_array());
}

void object_add(struct json_object *object, const char *name, struct json_object *value)
{
	if (json_object_object_add(object, name, value) != 0)
		buf_no_memory();
}

void object_add_string(struct json_object *object, const char *name, const char *text)
{
	object_add(object, name, new_string(text, strlen(text)));
}

void object_add_integer(struct json_object *object, const char *name, int64_t value)
{
	object_add(object, name, made(json_object_new_int64(value)));
}

void object_add_bool(struct json_object *object, const char *name, bool value)
{
	object_add(object, name, made(json_object_new_boolean(value)));
}

void object_add_null(struct json_object *object, const char *name)
{
	object_add(object, name, NULL);
}

void object_add_decimal(struct json_object *object, const char *name, uint64_t value)
{
	char text[sizeof("18446744073709551615")];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	object_add_string(object, name, text);
}

static void append_escaped(struct buf *out, const char *bytes, size_t len)
{
	static const char hex[] = "0123456789abcdef";

	while (len > 0) {
		size_t taken = utf8_sequence(bytes, len);
		unsigned char byte = (unsigned char)*bytes;

		if (byte == '\\') {
			buf_append(out, "\\\\", 2);
			taken = 1;
		} else if (taken == 0 || byte == 0 || byte == 0x7F) {
			char escaped[] = {'\\', 'x', hex[byte >> 4], hex[byte & 0xF]};

			buf_append(out, escaped, sizeof(escaped));
			taken = 1;
		} else {
			buf_append(out, bytes, taken);
		}
		bytes += taken;
		len -= taken;
	}
}

void object_add_escaped(struct json_object *object, const char *name, const char *bytes, size_t len)
{
	struct buf text BUF_CLEANUP;

	buf_init(&text, INT_MAX);
	append_escaped(&text, bytes, len);
	if (text.overflowed)
		buf_no_memory();
	object_add(object, name, new_string(text.data != NULL ? text.data : "", text.len));
}

void object_add_shared(struct json_object *object, const char *name, struct json_object *value)
{
	object_add(object, name, json_object_get(value));
}

void array_append(struct json_object *array, struct json_object *value)
{
	if (json_object_array_add(array, value) != 0)
		buf_no_memory();
}

void array_append_string(struct json_object *array, const char *text)
{
	array_append(array, new_string(text, strlen(text)));
}

struct json_object *object_member(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		(void)json_object_object_get_ex(object, name, &value);
	return value;
}

const char *object_text(struct json_object *object, const char *name)
{
	struct json_object *value = object_member(object, name);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

int64_t object_number(struct json_object *object, const char *name)
{
	struct json_object *value = object_member(object, name);

	return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;
}

size_t array_length(struct json_object *array)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

struct element {
	struct json_object *value;
};

static int by_text(const void *one, const void *other, void *context)
{
	const struct element *a = one, *b = other;

	(void)context;
	return strcmp(json_object_to_json_string_ext(a->value, JSON_C_TO_STRING_PLAIN),
		      json_object_to_json_string_ext(b->value, JSON_C_TO_STRING_PLAIN));
}

/* json_object_array_sort is qsort(3), which no confined stage has: ipc/sort.h. */
void array_sort(struct json_object *array)
{
	size_t count = array_length(array);
	struct element *elements = calloc(count + 1, sizeof *elements);

	if (elements == NULL)
		buf_no_memory();
	for (size_t i = 0; i < count; i++)
		elements[i].value = json_object_get(json_object_array_get_idx(array, i));
	sort_items(elements, count, sizeof *elements, by_text, NULL);
	for (size_t i = 0; i < count; i++)
		if (json_object_array_put_idx(array, i, elements[i].value) < 0)
			buf_no_memory();
	free(elements);
}

void object_release(struct json_object **object)
{
	json_object_put(*object);
	*object = NULL;
}

struct json_object *object_take(struct json_object **object)
{
	struct json_object *taken = *object;

	*object = NULL;
	return taken;
}
