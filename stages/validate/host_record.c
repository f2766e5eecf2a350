/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/object.h"
#include "stages/validate/allowlist.h"
#include "stages/validate/host_value.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

static void add_ranges(struct json_object *object, const char *name,
		       const struct host_ranges *ranges)
{
	struct json_object *list = array_new();

	for (size_t i = 0; i < ranges->count; i++) {
		struct json_object *range = object_new();

		object_add_integer(range, "first", ranges->items[i].first);
		object_add_integer(range, "last", ranges->items[i].last);
		array_append(list, range);
	}
	object_add(object, name, list);
}

/* Who is not named may not run; no callers at all, and everybody may. */
static void add_callers(struct json_object *object, const struct host_callers *callers)
{
	struct json_object *member;

	if (!callers->given) {
		object_add_null(object, "callers");
		return;
	}
	member = object_new();
	add_ranges(member, "gids", &callers->gids);
	add_ranges(member, "uids", &callers->uids);
	object_add(object, "callers", member);
}

static void add_choices(struct json_object *object, const char *name, const struct host_set *set,
			const struct host_choices *choices)
{
	struct json_object *list;

	if (!choices->given) {
		object_add_null(object, name);
		return;
	}
	list = array_new();
	for (unsigned i = 0; i < set->count; i++)
		if ((choices->bits & (1U << i)) != 0)
			array_append_string(list, set->names[i]);
	object_add(object, name, list);
}

static void add_prefixes(struct json_object *object, const char *name,
			 const struct host_prefixes *prefixes)
{
	if (prefixes->given)
		object_add(object, name, allowlist_prefixes_to_json(&prefixes->texts));
	else
		object_add_null(object, name);
}

static void add_limit(struct json_object *object, const char *name, const struct value_limit *limit)
{
	if (limit->unlimited)
		object_add_null(object, name);
	else
		object_add_integer(object, name, limit->number);
}

static void add_resources(struct json_object *object, const struct host_policy *policy)
{
	struct json_object *resources = object_new();
	char text[48];

	snprintf(text, sizeof(text), "%" PRId64 " %" PRId64, policy->cpu.quota_us.number,
		 policy->cpu.period_us);
	if (policy->cpu.quota_us.unlimited)
		object_add_null(resources, "cpu");
	else
		object_add_string(resources, "cpu", text);
	add_limit(resources, "disk", &policy->disk);
	add_limit(resources, "memory", &policy->memory);
	add_limit(resources, "output", &policy->output);
	add_limit(resources, "pids", &policy->pids);
	object_add(object, "resources", resources);
}

struct json_object *host_record(const struct host_policy *policy)
{
	struct json_object *object = object_new();
	struct json_object *mounts = object_new();

	add_callers(object, &policy->callers);
	add_choices(object, "isolation", &host_isolations, &policy->isolation);
	add_prefixes(mounts, "guestAllowPrefixes", &policy->guest);
	add_prefixes(mounts, "hostAllowPrefixes", &policy->host);
	object_add(object, "mounts", mounts);
	add_choices(object, "networkModes", &host_network_modes, &policy->network);
	add_resources(object, policy);
	add_choices(object, "rootfsKinds", &host_rootfs_kinds, &policy->rootfs);
	add_prefixes(object, "rootfsPrefixes", &policy->rootfs_host);
	add_limit(object, "timeoutSec", &policy->timeout_sec);
	return object;
}
