/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/field.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static size_t append_cut(char *out, size_t size, size_t used, const char *text)
{
	size_t len = strnlen(text, size - 1 - used);

	memcpy(out + used, text, len);
	out[used + len] = '\0';
	return used + len;
}

static enum fault_code refuse(const struct fields *fields, const char *name, const char *why,
			      struct fault *fault)
{
	char path[FAULT_PATH_SIZE];

	field_path_name(path, sizeof(path), fields->path, name);
	return fault_set(fault, fields->code, path, "%s", why);
}

static bool find(const struct fields *fields, const char *name, struct json_object **value,
		 uint64_t *mark)
{
	*mark = 1;
	json_object_object_foreach(fields->object, member_name, member)
	{
		if (strcmp(member_name, name) == 0) {
			*value = member;
			return true;
		}
		*mark <<= 1;
	}
	return false;
}

/* The member, which must be there and of the type; marks it. */
static enum fault_code take(struct fields *fields, const char *name, enum json_type type,
			    const char *why, struct json_object **value, struct fault *fault)
{
	uint64_t mark;

	*value = NULL;
	if (!find(fields, name, value, &mark))
		return refuse(fields, name, "the field is missing", fault);
	fields->seen |= mark;
	if (!json_object_is_type(*value, type))
		return refuse(fields, name, why, fault);
	return FAULT_NONE;
}

enum fault_code fields_open(struct fields *fields, struct json_object *value, const char *path,
			    enum fault_code code, struct fault *fault)
{
	*fields = (struct fields){.object = value, .code = code};
	append_cut(fields->path, sizeof(fields->path), 0, path);
	if (!json_object_is_type(value, json_type_object))
		return fault_set(fault, code, path, "the value must be an object");
	if (json_object_object_length(value) > FIELDS_MAX)
		return fault_set(fault, code, path, "the object has more than %d fields",
				 FIELDS_MAX);
	return FAULT_NONE;
}

enum fault_code fields_enter(struct fields *fields, const char *name, struct fields *member,
			     struct fault *fault)
{
	struct json_object *value;
	char path[FAULT_PATH_SIZE];
	enum fault_code code =
		take(fields, name, json_type_object, "the field must be an object", &value, fault);

	if (code != FAULT_NONE)
		return code;
	field_path_name(path, sizeof(path), fields->path, name);
	return fields_open(member, value, path, fields->code, fault);
}

bool fields_has(const struct fields *fields, const char *name)
{
	struct json_object *value;
	uint64_t mark;

	return find(fields, name, &value, &mark);
}

bool fields_null(struct fields *fields, const char *name)
{
	struct json_object *value;
	uint64_t mark;

	if (!find(fields, name, &value, &mark) || value != NULL)
		return false;
	fields->seen |= mark;
	return true;
}

enum fault_code fields_string(struct fields *fields, const char *name, const char **out,
			      struct fault *fault)
{
	struct json_object *value;
	enum fault_code code =
		take(fields, name, json_type_string, "the field must be a string", &value, fault);

	if (code != FAULT_NONE)
		return code;
	*out = json_object_get_string(value);
	if (strlen(*out) != (size_t)json_object_get_string_len(value))
		return refuse(fields, name, "the string holds a NUL byte", fault);
	return FAULT_NONE;
}

enum fault_code fields_integer(struct fields *fields, const char *name, int64_t min, int64_t max,
			       int64_t *out, struct fault *fault)
{
	struct json_object *value;
	char path[FAULT_PATH_SIZE];
	enum fault_code code =
		take(fields, name, json_type_int, "the field must be an integer", &value, fault);

	if (code != FAULT_NONE)
		return code;
	*out = json_object_get_int64(value);
	if (*out >= min && *out <= max)
		return FAULT_NONE;
	field_path_name(path, sizeof(path), fields->path, name);
	return fault_set(fault, fields->code, path,
			 "%" PRId64 " is outside %" PRId64 " to %" PRId64, *out, min, max);
}

enum fault_code fields_bool(struct fields *fields, const char *name, bool *out, struct fault *fault)
{
	struct json_object *value;
	enum fault_code code = take(fields, name, json_type_boolean,
				    "the field must be true or false", &value, fault);

	if (code == FAULT_NONE)
		*out = json_object_get_boolean(value);
	return code;
}

enum fault_code fields_array(struct fields *fields, const char *name, size_t max_count,
			     struct json_object **out, struct fault *fault)
{
	char path[FAULT_PATH_SIZE];
	enum fault_code code =
		take(fields, name, json_type_array, "the field must be an array", out, fault);

	if (code != FAULT_NONE)
		return code;
	if (json_object_array_length(*out) <= max_count)
		return FAULT_NONE;
	field_path_name(path, sizeof(path), fields->path, name);
	return fault_set(fault, fields->code, path, "the array has more than %zu elements",
			 max_count);
}

enum fault_code fields_any(struct fields *fields, const char *name, struct json_object **out,
			   struct fault *fault)
{
	uint64_t mark;

	*out = NULL;
	if (!find(fields, name, out, &mark))
		return refuse(fields, name, "the field is missing", fault);
	fields->seen |= mark;
	return FAULT_NONE;
}

enum fault_code fields_literal(struct fields *fields, const char *name, const char *expected,
			       struct fault *fault)
{
	char path[FAULT_PATH_SIZE];
	const char *text;
	enum fault_code code = fields_string(fields, name, &text, fault);

	if (code != FAULT_NONE || strcmp(text, expected) == 0)
		return code;
	field_path_name(path, sizeof(path), fields->path, name);
	return fault_set(fault, fields->code, path, "must be \"%s\", is \"%.64s\"", expected, text);
}

enum fault_code fields_close(struct fields *fields, struct fault *fault)
{
	uint64_t mark = 1;

	json_object_object_foreach(fields->object, name, value)
	{
		(void)value;
		if ((fields->seen & mark) == 0)
			return refuse(fields, name, "no such field is known here", fault);
		mark <<= 1;
	}
	return FAULT_NONE;
}

void field_path_name(char *out, size_t size, const char *prefix, const char *name)
{
	size_t used = append_cut(out, size, 0, prefix);

	if (used > 0)
		used = append_cut(out, size, used, ".");
	append_cut(out, size, used, name);
}

void field_path_index(char *out, size_t size, const char *prefix, size_t index)
{
	char text[sizeof("[18446744073709551615]")];

	snprintf(text, sizeof(text), "[%zu]", index);
	append_cut(out, size, append_cut(out, size, 0, prefix), text);
}
