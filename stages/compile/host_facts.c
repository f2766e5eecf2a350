/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/compile/host_facts.h"

#include "ipc/field.h"
#include "ipc/object.h"
#include "stages/compile/policy.h"

#include <json-c/json.h>
#include <string.h>

enum entry_kind { ENTRY_BIND, ENTRY_SYMLINK, ENTRY_ABSENT, ENTRY_UNKNOWN };

static enum entry_kind kind_of(const char *type)
{
	if (strcmp(type, "directory") == 0 || strcmp(type, "file") == 0)
		return ENTRY_BIND;
	if (strcmp(type, "symlink") == 0)
		return ENTRY_SYMLINK;
	return strcmp(type, "absent") == 0 ? ENTRY_ABSENT : ENTRY_UNKNOWN;
}

static enum fault_code read_absolute(struct fields *fields, const char *name, struct fault *fault)
{
	const char *path;
	enum fault_code code = fields_string(fields, name, &path, fault);

	if (code == FAULT_NONE && path[0] != '/')
		return fault_set(fault, fields->code, fields->path, "%s must be an absolute path",
				 name);
	return code;
}

static enum fault_code check_by_kind(struct fields *entry, enum entry_kind kind,
				     struct fault *fault)
{
	const char *target;

	switch (kind) {
	case ENTRY_BIND:
		return fields_has(entry, "resolved") ? read_absolute(entry, "resolved", fault)
						     : FAULT_NONE;
	case ENTRY_SYMLINK:
		return fields_string(entry, "target", &target, fault);
	case ENTRY_ABSENT:
		return FAULT_NONE;
	case ENTRY_UNKNOWN:
		break;
	}
	return fault_set(fault, entry->code, entry->path,
			 "the type must be directory, file, symlink or absent");
}

static enum fault_code check_root_entry(struct json_object *value, size_t index,
					struct fault *fault)
{
	char path[FAULT_PATH_SIZE];
	struct fields entry;
	const char *type = "";
	enum fault_code code;

	field_path_index(path, sizeof(path), "hostFacts.root", index);
	code = fields_open(&entry, value, path, FAULT_COMPILE_REQUEST, fault);
	if (code == FAULT_NONE)
		code = read_absolute(&entry, "path", fault);
	if (code == FAULT_NONE)
		code = fields_string(&entry, "type", &type, fault);
	if (code == FAULT_NONE)
		code = check_by_kind(&entry, kind_of(type), fault);
	return code != FAULT_NONE ? code : fields_close(&entry, fault);
}

/* path, type, device, inode: what launch compares with what it opens. */
static enum fault_code read_identity(struct fields *identity, const char **type,
				     struct fault *fault)
{
	const char *text;
	enum fault_code code = read_absolute(identity, "path", fault);

	if (code == FAULT_NONE)
		code = fields_string(identity, "type", type, fault);
	if (code == FAULT_NONE && kind_of(*type) != ENTRY_BIND)
		return fault_set(fault, FAULT_COMPILE_REQUEST, identity->path,
				 "the type must be directory or file");
	if (code == FAULT_NONE)
		code = fields_string(identity, "device", &text, fault);
	return code == FAULT_NONE ? fields_string(identity, "inode", &text, fault) : code;
}

static enum fault_code check_identity(struct json_object *value, const char *path,
				      struct fault *fault)
{
	struct fields identity;
	const char *type;
	enum fault_code code = fields_open(&identity, value, path, FAULT_COMPILE_REQUEST, fault);

	if (code == FAULT_NONE)
		code = read_identity(&identity, &type, fault);
	return code != FAULT_NONE ? code : fields_close(&identity, fault);
}

static enum fault_code check_mounts(struct json_object *mounts, const struct policy *policy,
				    struct fault *fault)
{
	size_t count = json_object_array_length(mounts);
	enum fault_code code = FAULT_NONE;

	if (count != policy->mount_count)
		return fault_set(fault, FAULT_COMPILE_REQUEST, "hostFacts.mounts",
				 "%zu facts for %zu mounts; each mount needs its own", count,
				 policy->mount_count);
	for (size_t i = 0; i < count && code == FAULT_NONE; i++) {
		char path[FAULT_PATH_SIZE];

		field_path_index(path, sizeof(path), "hostFacts.mounts", i);
		code = check_identity(json_object_array_get_idx(mounts, i), path, fault);
	}
	return code;
}

/* A mount's four members and layout, which must fit the type. */
static enum fault_code check_layout(struct json_object *rootfs, struct fault *fault)
{
	static const char path[] = "hostFacts.rootfs";
	struct fields fact;
	const char *type = "", *layout = "";
	enum fault_code code = fields_open(&fact, rootfs, path, FAULT_COMPILE_REQUEST, fault);

	if (code == FAULT_NONE)
		code = fields_string(&fact, "layout", &layout, fault);
	if (code == FAULT_NONE)
		code = read_identity(&fact, &type, fault);
	if (code != FAULT_NONE)
		return code;
	if (strcmp(type, "file") == 0
		    ? strcmp(layout, "file") != 0
		    : strcmp(layout, "directory") != 0 && strcmp(layout, "oci-layout") != 0)
		return fault_set(fault, FAULT_COMPILE_REQUEST, path,
				 "the layout must be directory or oci-layout for a directory, file "
				 "for a file");
	return fields_close(&fact, fault);
}

/* The fact's path is where the policy's leads: validate writes that into the policy. */
static enum fault_code check_rootfs(struct fields *fields, const struct policy *policy,
				    struct json_object **out, struct fault *fault)
{
	struct json_object *rootfs;
	enum fault_code code = fields_any(fields, "rootfs", &rootfs, fault);

	if (code != FAULT_NONE)
		return code;
	if ((rootfs == NULL) != (policy->rootfs == NULL))
		return fault_set(fault, FAULT_COMPILE_REQUEST, "hostFacts.rootfs",
				 "the fact does not fit runtime.rootfs: one of them is null");
	*out = rootfs;
	if (rootfs == NULL)
		return FAULT_NONE;
	code = check_layout(rootfs, fault);
	if (code == FAULT_NONE &&
	    strcmp(json_object_get_string(json_object_object_get(rootfs, "path")),
		   policy->rootfs) != 0)
		return fault_set(fault, FAULT_COMPILE_REQUEST, "hostFacts.rootfs.path",
				 "is not runtime.rootfs");
	return code;
}

static enum fault_code check_prefixes(struct fields *allowlist, const char *name,
				      struct fault *fault)
{
	struct json_object *prefixes;
	enum fault_code code =
		fields_array(allowlist, name, HOST_FACTS_PREFIXES_MAX, &prefixes, fault);
	size_t count = code == FAULT_NONE ? json_object_array_length(prefixes) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *prefix = json_object_array_get_idx(prefixes, i);

		if (!json_object_is_type(prefix, json_type_string) ||
		    json_object_get_string(prefix)[0] != '/')
			return fault_set(fault, allowlist->code, allowlist->path,
					 "%s must be absolute paths", name);
	}
	return code;
}

static enum fault_code read_allowlist(struct fields *fields, struct host_facts *facts,
				      struct fault *fault)
{
	struct fields allowlist;
	const char *origin;
	enum fault_code code = fields_enter(fields, "allowlist", &allowlist, fault);

	if (code == FAULT_NONE)
		code = check_prefixes(&allowlist, "guestAllowPrefixes", fault);
	if (code == FAULT_NONE)
		code = check_prefixes(&allowlist, "hostAllowPrefixes", fault);
	if (code == FAULT_NONE)
		code = fields_string(&allowlist, "origin", &origin, fault);
	if (code == FAULT_NONE && strcmp(origin, "built-in") != 0 && strcmp(origin, "file") != 0)
		return fault_set(fault, allowlist.code, allowlist.path,
				 "the origin must be built-in or file");
	if (code == FAULT_NONE)
		facts->allowlist = allowlist.object;
	return code != FAULT_NONE ? code : fields_close(&allowlist, fault);
}

enum fault_code host_facts_read(struct json_object *value, const struct policy *policy,
				struct host_facts *facts, struct fault *fault)
{
	struct fields fields;
	struct json_object *asked;
	size_t count = 0;
	enum fault_code code =
		fields_open(&fields, value, "hostFacts", FAULT_COMPILE_REQUEST, fault);

	*facts = (struct host_facts){0};
	if (code == FAULT_NONE)
		code = fields_array(&fields, "root", HOST_FACTS_ROOT_MAX, &facts->root, fault);
	if (code == FAULT_NONE)
		count = json_object_array_length(facts->root);
	for (size_t i = 0; i < count && code == FAULT_NONE; i++)
		code = check_root_entry(json_object_array_get_idx(facts->root, i), i, fault);
	if (code == FAULT_NONE)
		code = fields_array(&fields, "mounts", POLICY_MOUNTS_MAX, &facts->mounts, fault);
	if (code == FAULT_NONE)
		code = check_mounts(facts->mounts, policy, fault);
	if (code == FAULT_NONE)
		code = check_rootfs(&fields, policy, &facts->rootfs, fault);
	if (code == FAULT_NONE)
		code = read_allowlist(&fields, facts, fault);
	/* What was asked on the way there: for a replay, which decides nothing here. */
	if (code == FAULT_NONE && fields_has(&fields, "asked"))
		code = fields_array(&fields, "asked", 2 * POLICY_MOUNTS_MAX, &asked, fault);
	return code != FAULT_NONE ? code : fields_close(&fields, fault);
}

static const char *text_of(struct json_object *entry, const char *name)
{
	return json_object_get_string(json_object_object_get(entry, name));
}

struct json_object *host_facts_root_entries(const struct host_facts *facts)
{
	struct json_object *entries = array_new();
	size_t count = json_object_array_length(facts->root);

	for (size_t i = 0; i < count; i++) {
		struct json_object *fact = json_object_array_get_idx(facts->root, i);
		enum entry_kind kind = kind_of(text_of(fact, "type"));
		const char *resolved = text_of(fact, "resolved");
		struct json_object *entry;

		if (kind != ENTRY_BIND && kind != ENTRY_SYMLINK)
			continue;
		entry = object_new();
		object_add_string(entry, "path", text_of(fact, "path"));
		object_add_string(entry, "type", kind == ENTRY_BIND ? "bind" : "symlink");
		if (kind == ENTRY_SYMLINK)
			object_add_string(entry, "target", text_of(fact, "target"));
		else if (resolved != NULL)
			object_add_string(entry, "source", resolved);
		array_append(entries, entry);
	}
	return entries;
}
