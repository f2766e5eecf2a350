/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/canon.h"

#include <json-c/json.h>
#include <limits.h>
#include <string.h>

/* json-c's own reading; NULL with *error set, or a value (NULL too, for "null"). */
static struct json_object *tokenise(const char *data, size_t len, enum json_tokener_error *error)
{
	/* json-c counts a scalar inside the deepest container as a level of its own. */
	struct json_tokener *tokener = json_tokener_new_ex(CANON_DEPTH_MAX + 2);
	struct json_object *value;

	if (tokener == NULL)
		buf_no_memory();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	value = json_tokener_parse_ex(tokener, data, (int)len);
	*error = json_tokener_get_error(tokener);
	/* A number at the very end could go on, for json-c, until it sees the NUL. */
	if (*error == json_tokener_continue) {
		value = json_tokener_parse_ex(tokener, "", 1);
		*error = json_tokener_get_error(tokener);
	}
	json_tokener_free(tokener);
	return value;
}

enum fault_code canon_parse(const char *data, size_t len, enum fault_code code,
			    struct json_object **value, struct fault *fault)
{
	struct buf again BUF_CLEANUP;
	enum json_tokener_error error;
	struct json_object *parsed;

	*value = NULL;
	buf_init(&again, len);
	if (len == 0 || len > INT_MAX)
		return fault_set(fault, code, "", "%s",
				 len == 0 ? "there is no value" : "the value is too large");
	parsed = tokenise(data, len, &error);
	if (error != json_tokener_success)
		return fault_set(fault, code, "", "not JSON: %s", json_tokener_error_desc(error));
	if (canon_write(parsed, &again, code, fault) != FAULT_NONE) {
		json_object_put(parsed);
		return code;
	}
	if (again.len != len || memcmp(again.data, data, len) != 0) {
		json_object_put(parsed);
		return fault_set(fault, code, "",
				 "JSON, but not canonical: written again it gives other bytes");
	}
	*value = parsed;
	return FAULT_NONE;
}
