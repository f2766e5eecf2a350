/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/enforcement.h"

#include "ipc/object.h"

#include <stddef.h>

static struct json_object *entry_new(const char *clause, const char *mechanism, bool enforced,
				     struct json_object *evidence)
{
	struct json_object *entry = object_new();

	object_add_string(entry, "clause", clause);
	object_add_bool(entry, "enforced", enforced);
	object_add(entry, "evidence", evidence);
	object_add_string(entry, "mechanism", mechanism);
	return entry;
}

void enforcement_add_text(struct json_object *enforcement, const char *clause,
			  const char *mechanism, const char *requested, const char *effective,
			  struct json_object *evidence)
{
	struct json_object *entry = entry_new(clause, mechanism, true, evidence);

	object_add_string(entry, "requested", requested);
	object_add_string(entry, "effective", effective);
	array_append(enforcement, entry);
}

void enforcement_add_number(struct json_object *enforcement, const char *clause,
			    const char *mechanism, uint64_t requested, uint64_t effective,
			    struct json_object *evidence)
{
	struct json_object *entry = entry_new(clause, mechanism, true, evidence);

	object_add_integer(entry, "requested", (int64_t)requested);
	object_add_integer(entry, "effective", (int64_t)effective);
	array_append(enforcement, entry);
}

void enforcement_add_missing(struct json_object *enforcement, const char *clause,
			     const char *mechanism, const char *reason)
{
	struct json_object *entry = entry_new(clause, mechanism, false, object_new());

	object_add_string(entry, "requested", "enforced");
	object_add_string(entry, "effective", "none");
	object_add_string(entry, "reason", reason);
	array_append(enforcement, entry);
}
