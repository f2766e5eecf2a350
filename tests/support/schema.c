/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/schema.h"

#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct check {
	struct json_object *definitions;
	char *why;
	size_t why_size;
};

static bool check_object(const struct check *check, const char *name, struct json_object *value);

static bool refuse(const struct check *check, const char *name, const char *why)
{
	snprintf(check->why, check->why_size, "%s: %s", name, why);
	return false;
}

static struct json_object *member(struct json_object *object, const char *name)
{
	return json_object_object_get(object, name);
}

static bool in_enum(struct json_object *choices, struct json_object *value)
{
	for (size_t i = 0; i < json_object_array_length(choices); i++)
		if (json_object_equal(json_object_array_get_idx(choices, i), value))
			return true;
	return false;
}

static bool has_type(const char *type, struct json_object *value)
{
	static const struct {
		const char *name;
		enum json_type type;
	} types[] = {
		{"string", json_type_string},
		{"integer", json_type_int},
		{"boolean", json_type_boolean},
		{"array", json_type_array},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i].name) == 0)
			return json_object_is_type(value, types[i].type);
	return false;
}

static bool check_value(const struct check *check, const char *name, struct json_object *rule,
			struct json_object *value)
{
	struct json_object *part;

	if (json_object_object_get_ex(rule, "ref", &part))
		return check_object(check, json_object_get_string(part), value);
	if (!has_type(json_object_get_string(member(rule, "type")), value))
		return refuse(check, name, "wrong type");
	if (json_object_object_get_ex(rule, "enum", &part) && !in_enum(part, value))
		return refuse(check, name, "not one of the values");
	if (json_object_object_get_ex(rule, "minimum", &part) &&
	    json_object_get_int64(value) < json_object_get_int64(part))
		return refuse(check, name, "below the minimum");
	if (json_object_object_get_ex(rule, "maximum", &part) &&
	    json_object_get_int64(value) > json_object_get_int64(part))
		return refuse(check, name, "above the maximum");
	if (!json_object_object_get_ex(rule, "items", &part))
		return true;
	for (size_t i = 0; i < json_object_array_length(value); i++)
		if (!check_value(check, name, part, json_object_array_get_idx(value, i)))
			return false;
	return true;
}

static bool check_object(const struct check *check, const char *name, struct json_object *value)
{
	struct json_object *definition = member(check->definitions, name);
	struct json_object *required = member(definition, "required");

	if (definition == NULL)
		return refuse(check, name, "no such definition");
	if (!json_object_is_type(value, json_type_object))
		return refuse(check, name, "not an object");
	for (size_t i = 0; i < json_object_array_length(required); i++) {
		const char *needed = json_object_get_string(json_object_array_get_idx(required, i));

		if (member(value, needed) == NULL)
			return refuse(check, needed, "missing");
	}
	json_object_object_foreach(value, property, property_value)
	{
		struct json_object *rule = member(member(definition, "properties"), property);

		if (rule == NULL)
			return refuse(check, property, "unknown property");
		if (!check_value(check, property, rule, property_value))
			return false;
	}
	return true;
}

bool schema_accepts(struct json_object *definitions, const char *name, struct json_object *value,
		    char *why, size_t why_size)
{
	struct check check = {.definitions = definitions, .why = why, .why_size = why_size};

	return check_object(&check, name, value);
}
