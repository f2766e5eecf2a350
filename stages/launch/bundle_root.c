/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/bundle_plan.h"

#include "stages/launch/plan.h"
#include "stages/launch/root_paths.h"

#include <json-c/json.h>
#include <string.h>

#define CODE FAULT_RUN_LAUNCH

#define ZONES "/usr/share/zoneinfo/"

static bool allowed_path(const char *path)
{
	for (size_t i = 0; i < ROOT_PATHS_COUNT; i++)
		if (strcmp(path, root_paths[i]) == 0)
			return true;
	return false;
}

/* Only /etc/localtime is a link into another tree on an ordinary host: the zone file it names. */
static bool allowed_source(const char *path, const char *source)
{
	if (strcmp(path, source) == 0)
		return true;
	return strcmp(path, ROOT_PATHS_LOCALTIME) == 0 &&
	       strncmp(source, ZONES, strlen(ZONES)) == 0;
}

static enum fault_code read_source(struct fields *fields, struct plan *plan,
				   struct plan_entry *entry, struct fault *fault)
{
	entry->source = entry->path;
	if (!fields_has(fields, "source"))
		return FAULT_NONE;
	return bundle_path(fields, "source", plan, &entry->source, fault);
}

static enum fault_code read_entry(struct json_object *value, size_t index, struct plan *plan,
				  struct fault *fault)
{
	struct plan_entry *entry = &plan->entries[index];
	struct fields fields;
	const char *type = "";
	char path[FAULT_PATH_SIZE];
	enum fault_code code;

	field_path_index(path, sizeof path, "processPlan.root.entries", index);
	code = fields_open(&fields, value, path, CODE, fault);
	if (code == FAULT_NONE)
		code = bundle_path(&fields, "path", plan, &entry->path, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "type", &type, fault);
	if (code != FAULT_NONE)
		return code;
	if (!allowed_path(entry->path))
		return fault_set(fault, CODE, path,
				 "\"%.128s\" is not among the host paths a sandbox root may have",
				 entry->path);
	for (size_t i = 0; i < index; i++)
		if (strcmp(plan->entries[i].path, entry->path) == 0)
			return fault_set(fault, CODE, path, "\"%.128s\" comes twice", entry->path);
	if (strcmp(type, "symlink") == 0)
		code = bundle_text(&fields, "target", PLAN_PATH_MAX - 1, plan, &entry->link_target,
				   fault);
	else if (strcmp(type, "bind") == 0)
		code = read_source(&fields, plan, entry, fault);
	else
		code = fault_set(fault, CODE, path, "type must be bind or symlink");
	if (code == FAULT_NONE && entry->source != NULL &&
	    !allowed_source(entry->path, entry->source))
		code = fault_set(fault, CODE, path, "\"%.128s\" is not where %s may come from",
				 entry->source, entry->path);
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}

/* {"device","entries":[],"inode","kind","path","type"} */
static enum fault_code read_own_root(struct fields *root, struct plan_root *own, struct plan *plan,
				     struct fault *fault)
{
	struct json_object *none = NULL;
	const char *type = "";
	enum fault_code code = fields_array(root, "entries", 0, &none, fault);

	if (code == FAULT_NONE)
		code = bundle_path(root, "path", plan, &own->path, fault);
	if (code == FAULT_NONE)
		code = bundle_decimal(root, "device", &own->identity.device, fault);
	if (code == FAULT_NONE)
		code = bundle_decimal(root, "inode", &own->identity.inode, fault);
	if (code == FAULT_NONE)
		code = fields_string(root, "type", &type, fault);
	own->identity.directory = own->kind != PLAN_ROOT_IMAGE;
	if (code == FAULT_NONE && strcmp(type, own->identity.directory ? "directory" : "file") != 0)
		code = fault_set(fault, CODE, "processPlan.root.type",
				 "a directory and an OCI layout are directories, an image a file");
	return code == FAULT_NONE ? fields_close(root, fault) : code;
}

static enum fault_code read_kind(struct fields *root, struct plan_root *own, struct fault *fault)
{
	static const struct {
		const char *name;
		enum plan_root_kind kind;
	} kinds[] = {{"host", PLAN_ROOT_HOST},
		     {"directory", PLAN_ROOT_DIRECTORY},
		     {"image", PLAN_ROOT_IMAGE},
		     {"oci", PLAN_ROOT_OCI}};
	const char *name = "";
	enum fault_code code = fields_string(root, "kind", &name, fault);

	for (size_t i = 0; code == FAULT_NONE && i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(name, kinds[i].name) == 0) {
			own->kind = kinds[i].kind;
			return FAULT_NONE;
		}
	return code != FAULT_NONE ? code
				  : fault_set(fault, CODE, "processPlan.root.kind",
					      "must be host, directory, image or oci");
}

enum fault_code bundle_root_read(struct fields *process, struct plan *plan, struct fault *fault)
{
	struct json_object *list = NULL;
	struct fields root;
	enum fault_code code = fields_enter(process, "root", &root, fault);

	if (code == FAULT_NONE)
		code = read_kind(&root, &plan->root, fault);
	if (code == FAULT_NONE && plan->root.kind != PLAN_ROOT_HOST)
		return read_own_root(&root, &plan->root, plan, fault);
	if (code == FAULT_NONE && !fields_null(&root, "path"))
		code = fault_set(fault, CODE, "processPlan.root.path",
				 "must be null for a root made of the host's directories");
	if (code == FAULT_NONE)
		code = fields_array(&root, "entries", PLAN_ENTRY_MAX, &list, fault);
	if (code != FAULT_NONE)
		return code;
	plan->entry_count = json_object_array_length(list);
	for (size_t i = 0; code == FAULT_NONE && i < plan->entry_count; i++)
		code = read_entry(json_object_array_get_idx(list, i), i, plan, fault);
	return code == FAULT_NONE ? fields_close(&root, fault) : code;
}
