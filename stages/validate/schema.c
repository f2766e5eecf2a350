/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/schema.h"

#include "ipc/field.h"
#include "stages/validate/scalar.h"
#include "stages/validate/suggest.h"

#include <stdio.h>
#include <string.h>

const struct schema_field *schema_find(const struct schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->count; i++) {
		const struct schema_field *field = &schema->fields[i];

		if (strcmp(field->name, name) == 0 ||
		    (field->alias != NULL && strcmp(field->alias, name) == 0))
			return field;
	}
	return NULL;
}

static size_t field_distance(const struct schema_field *field, const char *name)
{
	size_t distance = suggest_distance(name, field->name);
	size_t by_alias = field->alias != NULL ? suggest_distance(name, field->alias) : distance;

	return by_alias < distance ? by_alias : distance;
}

void schema_hint(const struct schema *schema, const char *name, char *out, size_t size)
{
	size_t nearest = SUGGEST_FAR;
	const char *best = NULL;
	size_t used;

	for (size_t i = 0; i < schema->count; i++) {
		size_t distance = field_distance(&schema->fields[i], name);

		if (distance < nearest) {
			nearest = distance;
			best = schema->fields[i].name;
		}
	}
	if (best != NULL && suggest_near(name, nearest)) {
		snprintf(out, size, "; did you mean '%s'?", best);
		return;
	}
	used = (size_t)snprintf(out, size, "; known here:");
	for (size_t i = 0; i < schema->count && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s %s", i > 0 ? "," : "",
					 schema->fields[i].name);
}

static const char *kind_words(const struct node *node)
{
	switch (node->kind) {
	case NODE_SCALAR:
		return scalar_null(node) ? "empty" : "a single value";
	case NODE_LIST:
		return "a list";
	case NODE_MAPPING:
		return "a mapping";
	}
	__builtin_unreachable();
}

/* The codes of files that are no policies: all that is wrong in one is told by its code. */
static bool is_whole_file(enum fault_code code)
{
	return code == FAULT_MOUNT_SOURCE || code == FAULT_HOST_LACKS;
}

static void refuse_unknown(const struct site *site, const struct schema *schema)
{
	for (const struct node *node = site->node->first; node != NULL; node = node->next) {
		struct site member = site_member(site, node->key->text, node->key);
		char hint[320];

		if (schema_find(schema, node->key->text) != NULL)
			continue;
		/* A name with dots or brackets would read as several. */
		if (strpbrk(node->key->text, ".[]") != NULL || node->key->len == 0)
			field_path_name(member.path, sizeof(member.path), site->path, "?");
		schema_hint(schema, node->key->text, hint, sizeof(hint));
		site_refuse(&member,
			    is_whole_file(schema->code) ? schema->code : FAULT_POLICY_FORMAT,
			    "no such field '%.64s'%s", node->key->text, hint);
	}
}

static enum fault_code code_or(enum fault_code code, enum fault_code otherwise)
{
	return code != FAULT_NONE ? code : otherwise;
}

static void read_field(const struct site *site, const struct schema *schema,
		       const struct schema_field *field, void *base)
{
	const struct node *node = node_member(site->node, field->name);
	const struct node *alias =
		field->alias != NULL ? node_member(site->node, field->alias) : NULL;
	struct site member = site_member(site, field->name, node != NULL ? node : alias);

	member.code = code_or(schema->code, FAULT_POLICY_FORMAT);
	if (node != NULL && alias != NULL) {
		site_refuse(&member, FAULT_POLICY_CONFLICT,
			    "given twice, as '%s' and as '%s'; keep '%s'", field->name,
			    field->alias, field->name);
	} else if (member.node == NULL && field->required) {
		member.node = site->node;
		site_refuse(&member, code_or(schema->code, FAULT_POLICY_MISSING),
			    "the field '%s' is missing; write %s", field->name, field->example);
	} else if (member.node != NULL && scalar_null(member.node)) {
		if (!field->nullable)
			site_refuse(&member, member.code, "'%s' is empty (null); %s%s", field->name,
				    field->required ? "write " : "leave it out, or write ",
				    field->example);
	} else if (member.node != NULL) {
		field->read(&member, field->rule, (char *)base + field->offset);
	}
}

void schema_object(const struct site *site, const void *rule, void *value)
{
	const struct schema *schema = rule;

	if (site->node->kind != NODE_MAPPING) {
		site_refuse(site, code_or(schema->code, FAULT_POLICY_FORMAT),
			    "a mapping (name: value) belongs here, this is %s",
			    kind_words(site->node));
		return;
	}
	refuse_unknown(site, schema);
	for (size_t i = 0; i < schema->count; i++)
		read_field(site, schema, &schema->fields[i], value);
	if (schema->finish != NULL)
		schema->finish(site, value);
}

void schema_items(const struct site *site, const void *rule, void *value)
{
	const struct schema_list *list = rule;
	struct schema_items *items = value;
	const struct node *node;
	char *element;

	if (site->node->kind != NODE_LIST) {
		site_refuse(site, site->code,
			    "a list belongs here, this is %s; [] is the empty list",
			    kind_words(site->node));
		return;
	}
	if (site->node->count > list->max_count) {
		site_refuse(site, site->code, "%zu entries, at most %zu are accepted",
			    site->node->count, list->max_count);
		return;
	}
	items->count = site->node->count;
	items->items = document_alloc(site->reading->document, items->count * list->element_size);
	element = items->items;
	node = site->node->first;
	for (size_t i = 0; node != NULL; i++, node = node->next, element += list->element_size) {
		struct site item = site_item(site, i, node);

		schema_object(&item, list->element, element);
	}
	if (list->finish != NULL)
		list->finish(site, items->items, items->count);
}
