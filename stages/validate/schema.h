/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_SCHEMA_H
#define VALIDATE_SCHEMA_H

#include "ipc/fault.h"
#include "stages/validate/site.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A schema is a table of fields; schema_object walks a mapping by it. The rules every field shares
 * are here, once: unknown fields get a suggestion, a required one must be there, null is no value,
 * an alias excludes the name it stands for. What a value may be is the field's reader's business.
 */

/* Reads site->node into value; adds an error and leaves value alone when it is not acceptable. */
typedef void schema_reader(const struct site *site, const void *rule, void *value);

struct schema_field {
	const char *name;
	const char *alias;   /* an older spelling, or NULL */
	const char *example; /* what to write, for the message when it is missing */
	bool required;
	bool nullable; /* null means the default */
	size_t offset; /* of the value, from the base the object was given */
	schema_reader *read;
	const void *rule;
};

struct schema {
	const struct schema_field *fields;
	size_t count;
	enum fault_code code; /* of every error in this object, FAULT_NONE: SR-POL-001 and 002 */
	/* After the fields: what holds between them. May be NULL. */
	void (*finish)(const struct site *site, void *base);
};

struct schema_list {
	const struct schema *element;
	size_t element_size;
	size_t max_count;
	/* After the elements. May be NULL. */
	void (*finish)(const struct site *site, void *items, size_t count);
};

/* What a schema_list reads into; items is element_size apart, in the document's memory. */
struct schema_items {
	void *items;
	size_t count;
};

/* Readers: rule is a struct schema and value its base; a struct schema_list, struct schema_items.
 */
schema_reader schema_object;
schema_reader schema_items;

/* The field of that name or alias; NULL. */
const struct schema_field *schema_find(const struct schema *schema, const char *name);
/* "; did you mean 'memory'?" or "; known here: a, b, c" for a name that is not in the schema. */
void schema_hint(const struct schema *schema, const char *name, char *out, size_t size);

#endif
