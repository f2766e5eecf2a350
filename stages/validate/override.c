/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/override.h"

#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/validate/policy.h"
#include "stages/validate/scalar.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define OVERRIDE_FIELD_MAX 320 /* runtime.env. and the longest variable name */
#define OVERRIDE_PARTS_MAX 4

struct setting {
	char field[OVERRIDE_FIELD_MAX + 1];
	char *parts[OVERRIDE_PARTS_MAX];
	char names[OVERRIDE_FIELD_MAX + 1]; /* what parts point into */
	size_t part_count;
	const char *json;
};

static bool split_setting(const char *text, struct setting *setting)
{
	const char *equals = strchr(text, '=');
	size_t len = equals != NULL ? (size_t)(equals - text) : 0;
	char *rest = setting->names;

	if (len == 0 || len > OVERRIDE_FIELD_MAX)
		return false;
	memcpy(setting->field, text, len);
	setting->field[len] = '\0';
	memcpy(setting->names, setting->field, len + 1);
	setting->json = equals + 1;
	setting->part_count = 0;
	while (rest != NULL) {
		if (setting->part_count == OVERRIDE_PARTS_MAX)
			return false;
		setting->parts[setting->part_count++] = strsep(&rest, ".");
	}
	return true;
}

/* Whether the parts name a field; the schema that lacks a name gives the hint. */
static bool known_field(const struct site *site, const struct setting *setting)
{
	const struct schema *schema = &policy_schema;
	char hint[320];

	for (size_t i = 0; i < setting->part_count; i++) {
		const struct schema_field *field = schema_find(schema, setting->parts[i]);
		const bool last = i + 1 == setting->part_count;

		if (field == NULL) {
			schema_hint(schema, setting->parts[i], hint, sizeof(hint));
			site_refuse(site, FAULT_POLICY_FORMAT, "--set: no such field '%.64s'%s",
				    setting->parts[i], hint);
			return false;
		}
		if (last)
			return true;
		if (schema == &runtime_schema && strcmp(field->name, "env") == 0 &&
		    i + 2 == setting->part_count && runtime_env_name(setting->parts[i + 1]))
			return true;
		if (field->read != schema_object)
			break;
		schema = field->rule;
	}
	site_refuse(site, FAULT_POLICY_FORMAT,
		    "--set: nothing by this name can be set; a list is set as a whole, "
		    "a variable as runtime.env.NAME");
	return false;
}

/* Fits, or NULL: the document is full. canon_parse has bounded the depth. */
static struct node *node_from_json(struct document *document, struct json_object *value)
{
	const struct mark mark = {0, 0};
	const enum json_type type = json_object_get_type(value);
	struct node *node = NULL;
	char digits[24];

	switch (type) {
	case json_type_null:
		return document_scalar(document, "null", 4, false, mark);
	case json_type_boolean:
		return json_object_get_boolean(value)
			       ? document_scalar(document, "true", 4, false, mark)
			       : document_scalar(document, "false", 5, false, mark);
	case json_type_double: /* outside the canonical subset */
		return NULL;
	case json_type_int:
		snprintf(digits, sizeof(digits), "%" PRId64, json_object_get_int64(value));
		return document_scalar(document, digits, strlen(digits), false, mark);
	case json_type_string:
		return document_scalar(document, json_object_get_string(value),
				       (size_t)json_object_get_string_len(value), true, mark);
	case json_type_array:
		node = document_collection(document, NODE_LIST, mark);
		for (size_t i = 0; node != NULL && i < json_object_array_length(value); i++) {
			struct node *item =
				node_from_json(document, json_object_array_get_idx(value, i));

			if (item == NULL)
				return NULL;
			node_append(node, item, NULL);
		}
		return node;
	case json_type_object:
		break;
	}
	node = document_collection(document, NODE_MAPPING, mark);
	json_object_object_foreach(value, name, member)
	{
		struct node *key = document_scalar(document, name, strlen(name), true, mark);
		struct node *item = node_from_json(document, member);

		if (node == NULL || key == NULL || item == NULL)
			return NULL;
		node_append(node, item, key);
	}
	return node;
}

/* Puts node at the setting's place; mappings that are missing on the way are made. */
static bool put(struct document *document, const struct setting *setting, struct node *node)
{
	const struct mark mark = {0, 0};
	struct node *mapping = document->root;

	for (size_t i = 0; i < setting->part_count; i++) {
		struct node *key = document_scalar(document, setting->parts[i],
						   strlen(setting->parts[i]), true, mark);
		struct node *next = node_member(mapping, setting->parts[i]);

		if (key == NULL || mapping->kind != NODE_MAPPING)
			return false;
		if (i + 1 == setting->part_count) {
			node_replace(mapping, key, node);
			return true;
		}
		if (next == NULL || scalar_null(next)) {
			next = document_collection(document, NODE_MAPPING, mark);
			if (next == NULL)
				return false;
			node_replace(mapping, key, next);
		}
		mapping = next;
	}
	return false;
}

static void apply(const struct site *site, const struct setting *setting, struct json_object *value,
		  struct json_object *recorded)
{
	struct document *document = site->reading->document;
	struct json_object *record = object_new();
	struct node *node = node_from_json(document, value);

	object_add_string(record, "field", setting->field);
	object_add_shared(record, "value", value);
	array_append(recorded, record);
	if (node == NULL || (document->root != NULL && !put(document, setting, node)))
		site_refuse(
			site, FAULT_POLICY_FORMAT,
			"--set: cannot be set in this policy: what it belongs to is no mapping, "
			"or there are more than %d values",
			DOCUMENT_NODES_MAX);
}

static void override_one(struct reading *reading, const char *text, struct json_object *recorded)
{
	struct site site = {.reading = reading};
	struct json_object *value OBJECT_CLEANUP = NULL;
	struct setting setting;
	struct fault fault;

	if (!split_setting(text, &setting)) {
		snprintf(site.path, sizeof(site.path), "validate.set");
		site_refuse(&site, FAULT_POLICY_FORMAT,
			    "--set '" SITE_TEXT
			    "' is not FIELD=JSON, as in resources.memory.max=\"1Gi\"",
			    text);
		return;
	}
	snprintf(site.path, sizeof(site.path), "%.150s", setting.field);
	if (!known_field(&site, &setting))
		return;
	if (canon_parse(setting.json, strlen(setting.json), FAULT_POLICY_FORMAT, &value, &fault) !=
	    FAULT_NONE) {
		site_refuse(
			&site, FAULT_POLICY_FORMAT,
			"--set: the value is not canonical JSON (%s); text goes in double quotes, "
			"without spaces around values",
			fault.message);
		return;
	}
	apply(&site, &setting, value, recorded);
}

void override_apply(struct reading *reading, const char *const settings[], size_t count,
		    struct json_object *recorded)
{
	for (size_t i = 0; i < count; i++)
		override_one(reading, settings[i], recorded);
}
