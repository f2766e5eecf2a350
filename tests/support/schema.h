/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_SCHEMA_H
#define SUPPORT_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/*
 * Whether value is what definitions says of the object called name:
 *
 *   {"Drive":{"required":["drive_id"],"properties":{"drive_id":{"type":"string"}, ...}}, ...}
 *
 * A property has a type (string, integer, boolean, array with items) with enum, minimum, maximum
 * beside it, or a ref to another object. What is not listed is refused. why gets the reason.
 */
bool schema_accepts(struct json_object *definitions, const char *name, struct json_object *value,
		    char *why, size_t why_size);

#endif
