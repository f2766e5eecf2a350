/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/filter/net4_list.h"

#include "ipc/field.h"
#include "ipc/object.h"

#include <json-c/json.h>

enum fault_code net4_list_read(struct fields *fields, const char *name, size_t max,
			       struct net4 *out, size_t *count, enum fault_code code,
			       struct fault *fault)
{
	char path[FAULT_PATH_SIZE];
	struct json_object *list = NULL;

	if (fields_array(fields, name, max, &list, fault) != FAULT_NONE)
		return fault->code;
	field_path_name(path, sizeof path, fields->path, name);
	*count = json_object_array_length(list);
	for (size_t i = 0; i < *count; i++) {
		struct json_object *net = json_object_array_get_idx(list, i);

		if (!json_object_is_type(net, json_type_string) ||
		    !net4_parse(json_object_get_string(net), false, &out[i]))
			return fault_set(fault, code, path, "entry %zu is no network a.b.c.d/n", i);
	}
	return FAULT_NONE;
}

void net4_append(struct json_object *array, struct net4 net, bool plain)
{
	char text[NET4_TEXT_SIZE];

	net4_format(net, plain, text);
	array_append_string(array, text);
}

void net4_add(struct json_object *object, const char *name, uint32_t address)
{
	char text[NET4_TEXT_SIZE];

	net4_format((struct net4){address, 32}, true, text);
	object_add_string(object, name, text);
}
