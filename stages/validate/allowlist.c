/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/allowlist.h"

#include "ipc/object.h"
#include "stages/validate/input.h"
#include "stages/validate/path.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FIELD	     "mountAllowlist"

static const char *const default_host[] = {"/var/lib/safe-run", "/data"};
static const char *const default_guest[] = {"/data", "/input", "/mnt", "/opt", "/srv", "/work/in"};

const char *const allowlist_origin_names[ALLOWLIST_ORIGIN_COUNT] = {
	[ALLOWLIST_BUILT_IN] = "built-in",
	[ALLOWLIST_FILE] = "file",
};

const struct allowlist allowlist_default = {
	.host = {default_host, COUNT(default_host)},
	.guest = {default_guest, COUNT(default_guest)},
	.origin = ALLOWLIST_BUILT_IN,
};

static const char *read_prefix(const struct site *site, const char *text)
{
	char clean[PATH_TEXT_MAX + 1];
	enum path_fault fault;

	if (text == NULL)
		return NULL;
	fault = path_clean(text, clean);
	if (fault == PATH_OK)
		return document_copy(site->reading->document, clean, strlen(clean));
	site_refuse(site, site->code, "the prefix '" SITE_TEXT "' %s", text,
		    path_fault_words(fault));
	return NULL;
}

void allowlist_prefixes(const struct site *site, const void *rule, void *value)
{
	struct value_texts texts = {0};
	const struct node *node = site->node->first;
	const char **clean;

	value_texts(site, rule, &texts);
	clean = document_alloc(site->reading->document, texts.count * sizeof(*clean));
	for (size_t i = 0; i < texts.count; i++, node = node->next) {
		struct site item = site_item(site, i, node);

		clean[i] = read_prefix(&item, texts.items[i]);
	}
	*(struct value_texts *)value = (struct value_texts){clean, texts.count};
}

static const size_t prefixes_max = ALLOWLIST_PREFIXES_MAX;

static const struct schema_field fields[] = {
	{.name = "schemaVersion",
	 .required = true,
	 .example = "schemaVersion: safe-run.mount-allowlist/v1",
	 .read = value_literal,
	 .rule = "safe-run.mount-allowlist/v1"},
	{.name = "hostAllowPrefixes",
	 .required = true,
	 .example = "hostAllowPrefixes: [/data]",
	 .offset = offsetof(struct allowlist, host),
	 .read = allowlist_prefixes,
	 .rule = &prefixes_max},
	{.name = "guestAllowPrefixes",
	 .required = true,
	 .example = "guestAllowPrefixes: [/data]",
	 .offset = offsetof(struct allowlist, guest),
	 .read = allowlist_prefixes,
	 .rule = &prefixes_max},
};

static const struct schema schema = {
	.fields = fields,
	.count = COUNT(fields),
	.code = FAULT_MOUNT_SOURCE,
};

void allowlist_read(const char *data, size_t len, struct reading *reading,
		    struct allowlist *allowlist)
{
	const size_t before = reading->errors.count;
	struct node *policy_root = reading->document->root;
	struct site site = {.reading = reading, .code = FAULT_MOUNT_SOURCE, .path = FIELD};
	struct fault fault;

	*allowlist = (struct allowlist){.origin = ALLOWLIST_FILE};
	if (input_parse(data, len, reading->document, &fault) == FAULT_NONE) {
		site.node = reading->document->root;
		schema_object(&site, &schema, allowlist);
	} else {
		site_refuse(&site, FAULT_MOUNT_SOURCE, "the mount allowlist cannot be read: %s",
			    fault.message);
	}
	if (reading->errors.count != before)
		*allowlist = (struct allowlist){.origin = ALLOWLIST_FILE};
	reading->document->root = policy_root;
}

void allowlist_words(const struct value_texts *prefixes, char *out, size_t size)
{
	size_t used = (size_t)snprintf(out, size, "%s", prefixes->count == 0 ? "nothing" : "");

	for (size_t i = 0; i < prefixes->count && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "",
					 prefixes->items[i]);
}

bool allowlist_covers(const struct value_texts *prefixes, const char *path)
{
	for (size_t i = 0; i < prefixes->count; i++)
		if (path_below(path, prefixes->items[i]))
			return true;
	return false;
}

struct json_object *allowlist_prefixes_to_json(const struct value_texts *prefixes)
{
	struct json_object *list = array_new();

	for (size_t i = 0; i < prefixes->count; i++)
		array_append_string(list, prefixes->items[i]);
	return list;
}

struct json_object *allowlist_to_json(const struct allowlist *allowlist)
{
	struct json_object *object = object_new();

	object_add(object, "guestAllowPrefixes", allowlist_prefixes_to_json(&allowlist->guest));
	object_add(object, "hostAllowPrefixes", allowlist_prefixes_to_json(&allowlist->host));
	object_add_string(object, "origin", allowlist_origin_names[allowlist->origin]);
	return object;
}
