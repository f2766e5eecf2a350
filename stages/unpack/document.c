/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/unpack/document.h"

#include "ipc/object.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.root.unpack"

/* Every member of an object has one colon outside strings, and nothing else has. */
static size_t count_colons(const char *text, size_t len)
{
	bool quoted = false;
	size_t count = 0;

	for (size_t i = 0; i < len; i++) {
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && text[i] == ':')
			count++;
	}
	return count;
}

/* Recursion is bounded by DOCUMENT_DEPTH, which the parser keeps. */
static size_t count_members(struct json_object *value)
{
	size_t count = 0;

	if (json_object_is_type(value, json_type_array))
		for (size_t i = 0; i < json_object_array_length(value); i++)
			count += count_members(json_object_array_get_idx(value, i));
	if (!json_object_is_type(value, json_type_object))
		return count;
	json_object_object_foreach(value, name, member)
	{
		(void)name;
		count += 1 + count_members(member);
	}
	return count;
}

static struct json_object *parse(const char *text, size_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(DOCUMENT_DEPTH);
	struct json_object *value;
	size_t end;

	if (tokener == NULL)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	value = json_tokener_parse_ex(tokener, text, (int)len);
	end = json_tokener_get_parse_end(tokener);
	if (json_tokener_get_error(tokener) != json_tokener_success) {
		json_object_put(value);
		value = NULL;
	}
	json_tokener_free(tokener);
	/* White space behind the value is all there may be. */
	while (end < len && memchr(" \t\r\n", text[end], 4) != NULL)
		end++;
	if (value != NULL && end != len) {
		json_object_put(value);
		value = NULL;
	}
	return value;
}

enum fault_code document_parse(const char *text, size_t len, const char *what,
			       struct json_object **value, struct fault *fault)
{
	*value = NULL;
	if (len == 0 || len > DOCUMENT_MAX)
		return fault_set(fault, CODE, PATH, "%s is empty, or longer than %zu bytes", what,
				 DOCUMENT_MAX);
	*value = parse(text, len);
	if (!json_object_is_type(*value, json_type_object) &&
	    !json_object_is_type(*value, json_type_array)) {
		json_object_put(*value);
		*value = NULL;
		return fault_set(fault, CODE, PATH,
				 "%s is not the JSON object or array it should be", what);
	}
	if (count_members(*value) == count_colons(text, len))
		return FAULT_NONE;
	json_object_put(*value);
	*value = NULL;
	return fault_set(fault, CODE, PATH, "%s has a name twice in one object", what);
}

struct json_object *document_array(struct json_object *object, const char *name)
{
	struct json_object *value = object_member(object, name);

	return json_object_is_type(value, json_type_array) ? value : NULL;
}

const char *document_text(struct json_object *object, const char *name)
{
	struct json_object *value = object_member(object, name);

	/* One with a NUL in it is not the text it looks like. */
	if (!json_object_is_type(value, json_type_string) ||
	    strlen(json_object_get_string(value)) != (size_t)json_object_get_string_len(value))
		return "";
	return json_object_get_string(value);
}

long long document_number(struct json_object *object, const char *name)
{
	struct json_object *value = object_member(object, name);

	return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
}
