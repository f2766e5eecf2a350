/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/host.h"

#include "ipc/object.h"
#include "stages/launch/root_paths.h"
#include "stages/validate/allowlist.h"
#include "stages/validate/facts_replay.h"
#include "stages/validate/mount.h"
#include "stages/validate/resolve.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

/*
 * The time zone is a link into /usr/share on most hosts, relative or not, sometimes by way of
 * another link: where it ends is what the sandbox gets, as a file.
 */
static const char *add_localtime(struct json_object *fact, struct document *document)
{
	struct resolve_facts facts;

	if (resolve_path(ROOT_PATHS_LOCALTIME, document, &facts) != 0 || facts.type != RESOLVE_FILE)
		return "absent";
	object_add_string(fact, "resolved", facts.path);
	return "file";
}

static struct json_object *root_fact(const char *path, struct document *document)
{
	struct json_object *fact = object_new();
	const char *type_name = "absent";
	const char *target = NULL;
	enum resolve_type type;

	if (resolve_type(path, &type) == 0) {
		type_name = resolve_type_name(type);
		if (type == RESOLVE_SYMLINK && strcmp(path, ROOT_PATHS_LOCALTIME) == 0)
			type_name = add_localtime(fact, document);
		else if (type == RESOLVE_SYMLINK && resolve_link(path, document, &target) != 0)
			type_name = "absent";
		/* A FIFO or device where a file belongs: nothing a sandbox could use. */
		if (type == RESOLVE_OTHER)
			type_name = "absent";
	}
	object_add_string(fact, "path", path);
	object_add_string(fact, "type", type_name);
	if (target != NULL)
		object_add_escaped(fact, "target", target, strlen(target));
	return fact;
}

static struct json_object *place_fact(const struct resolve_facts *facts)
{
	struct json_object *fact = object_new();

	object_add_string(fact, "path", facts->path);
	object_add_string(fact, "type", resolve_type_name(facts->type));
	object_add_decimal(fact, "device", facts->device);
	object_add_decimal(fact, "inode", facts->inode);
	return fact;
}

/*
 * An OCI image layout is told by the two files every one of them has (image-layout.md); whether it
 * is a good one is for whoever reads it to find out.
 */
static const char *layout_of(const struct resolve_facts *facts, struct document *document)
{
	static const char *const marks[] = {"oci-layout", "index.json"};

	if (facts->type != RESOLVE_DIRECTORY)
		return "file";
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		size_t size = strlen(facts->path) + strlen(marks[i]) + 2;
		char *path = document_alloc(document, size);
		struct resolve_facts mark;

		(void)snprintf(path, size, "%s/%s", facts->path, marks[i]);
		/* A link to a file elsewhere is no file of the layout. */
		if (facts_ask(document, path, &mark) != 0 || mark.type != RESOLVE_FILE ||
		    strcmp(mark.path, path) != 0)
			return "directory";
	}
	return "oci-layout";
}

static struct json_object *rootfs_fact(const struct resolve_facts *facts, struct document *document)
{
	struct json_object *fact = place_fact(facts);

	object_add_string(fact, "layout", layout_of(facts, document));
	return fact;
}

struct json_object *host_facts(const struct policy *policy, const struct allowlist *allowlist,
			       struct document *document)
{
	struct json_object *facts = object_new();
	struct json_object *root = array_new();
	struct json_object *places = array_new();
	const struct mount *mounts = policy != NULL ? policy->mounts.items : NULL;
	struct facts_source *source = document->facts;

	for (size_t i = 0; i < ROOT_PATHS_COUNT; i++)
		array_append(root, source != NULL && source->record != NULL
					   ? facts_replay_root(source, root_paths[i])
					   : root_fact(root_paths[i], document));
	for (size_t i = 0; policy != NULL && i < policy->mounts.count; i++)
		array_append(places, place_fact(mounts[i].source));
	object_add(facts, "allowlist", allowlist_to_json(allowlist));
	if (source != NULL && json_object_array_length(source->asked) > 0)
		object_add_shared(facts, "asked", source->asked);
	object_add(facts, "root", root);
	object_add(facts, "mounts", places);
	if (policy != NULL && policy->runtime.rootfs != NULL)
		object_add(facts, "rootfs", rootfs_fact(policy->runtime.rootfs, document));
	else
		object_add_null(facts, "rootfs");
	return facts;
}
