/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/shape.h"

#include "ipc/field.h"
#include "stages/seal/digest.h"

#include <stdint.h>
#include <string.h>

static enum fault_code refuse(const char *path, const char *name, struct span value,
			      const char *why, enum fault_code code, struct fault *fault)
{
	char place[FAULT_PATH_SIZE];

	if (name != NULL)
		field_path_name(place, sizeof(place), path, name);
	return fault_set(fault, code, name != NULL ? place : path, "%s%s%.*s", why,
			 value.len > 0 ? ": " : "", value.len < 80 ? (int)value.len : 80, value.at);
}

static bool string_fits(unsigned int kinds, struct span value)
{
	char copy[DIGEST_TEXT_SIZE];
	struct span text;
	uint64_t number;

	if ((kinds & SHAPE_STRING) != 0)
		return true;
	if (!span_string(value, &text))
		return false;
	if ((kinds & SHAPE_HASH) != 0 && span_copy(text, copy, sizeof(copy)) &&
	    digest_text_valid(copy))
		return true;
	return (kinds & SHAPE_DECIMAL) != 0 && span_decimal(text, &number);
}

static bool value_fits(unsigned int kinds, struct span value)
{
	int64_t number;

	switch (span_kind(value)) {
	case SPAN_OBJECT:
		return (kinds & SHAPE_OBJECT) != 0;
	case SPAN_ARRAY:
		return (kinds & SHAPE_ARRAY) != 0;
	case SPAN_STRING:
		return string_fits(kinds, value);
	case SPAN_INTEGER:
		return (kinds & SHAPE_INTEGER) != 0 && span_integer(value, &number) && number >= 0;
	case SPAN_BOOL:
		return (kinds & SHAPE_BOOL) != 0;
	case SPAN_NULL:
		return (kinds & SHAPE_NULL) != 0;
	}
	return false;
}

static enum fault_code check_inside(const struct shape_field *field, struct span value,
				    const char *path, enum fault_code code, struct fault *fault)
{
	char place[FAULT_PATH_SIZE], element_place[FAULT_PATH_SIZE];
	enum fault_code failed = FAULT_NONE;
	struct span_walk walk;
	struct span element;

	if (field->inside == NULL)
		return FAULT_NONE;
	field_path_name(place, sizeof(place), path, field->name);
	if (span_kind(value) == SPAN_OBJECT)
		return shape_check(field->inside, value, place, code, fault);
	if (!span_walk_array(value, &walk))
		return FAULT_NONE;
	for (size_t i = 0; failed == FAULT_NONE && span_next_element(&walk, &element); i++) {
		field_path_index(element_place, sizeof(element_place), place, i);
		failed = shape_check(field->inside, element, element_place, code, fault);
	}
	return failed;
}

enum fault_code shape_check(const struct shape *shape, struct span object, const char *path,
			    enum fault_code code, struct fault *fault)
{
	static const struct span nothing = {.at = "", .len = 0};
	struct span_walk walk;
	struct span key, value;
	char name[64];
	size_t next = 0;

	if (!span_walk_object(object, &walk))
		return refuse(path, NULL, object, "an object must stand here", code, fault);
	for (bool more = span_next_member(&walk, &key, &value);
	     more || next < shape->field_count;) {
		const struct shape_field *field = &shape->fields[next];
		int order = next == shape->field_count ? 1
			    : !more		       ? -1
						       : span_order(field->name, key);

		if (order < 0 && (field->kinds & SHAPE_OPTIONAL) == 0)
			return refuse(path, field->name, nothing, "the field is missing", code,
				      fault);
		if (order > 0 && shape->openness == SHAPE_CLOSED)
			return refuse(path, span_copy(key, name, sizeof(name)) ? name : NULL,
				      nothing, "no field of that name belongs here", code, fault);
		if (order == 0 && !value_fits(field->kinds, value))
			return refuse(path, field->name, value, "the value is not of its form",
				      code, fault);
		if (order == 0 && check_inside(field, value, path, code, fault) != FAULT_NONE)
			return fault->code;
		if (order <= 0)
			next++;
		if (order >= 0)
			more = span_next_member(&walk, &key, &value);
	}
	return FAULT_NONE;
}
