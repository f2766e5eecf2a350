/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/summary.h"

#include "ipc/object.h"
#include "stages/launch/mount.h"
#include "stages/launch/plan.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct json_object *find(struct json_object *policy, const char *const path[3])
{
	struct json_object *value = policy;

	for (size_t i = 0; i < 3 && path[i] != NULL; i++) {
		struct json_object *next = NULL;

		if (!json_object_is_type(value, json_type_object) ||
		    !json_object_object_get_ex(value, path[i], &next))
			return NULL;
		value = next;
	}
	return value;
}

static bool is_scalar(struct json_object *value)
{
	return json_object_is_type(value, json_type_string) ||
	       json_object_is_type(value, json_type_int);
}

static bool add_scalars(struct json_object *policy, struct json_object *summary)
{
	static const struct {
		const char *name;
		const char *path[3];
	} scalars[] = {
		{"auditLevel", {"audit", "level", NULL}},
		{"command", {"runtime", "command", NULL}},
		{"cpuMax", {"resources", "cpu", "max"}},
		{"diskMax", {"resources", "disk", "max"}},
		{"isolation", {"runtime", "isolation", NULL}},
		{"memoryMax", {"resources", "memory", "max"}},
		{"name", {"metadata", "name", NULL}},
		{"networkMode", {"network", "mode", NULL}},
		{"outputMax", {"resources", "output", "max"}},
		{"pidsMax", {"resources", "pids", "max"}},
		{"seccomp", {"runtime", "seccomp", NULL}},
		{"timeoutSec", {"runtime", "timeoutSec", NULL}},
	};

	for (size_t i = 0; i < sizeof scalars / sizeof scalars[0]; i++) {
		struct json_object *value = find(policy, scalars[i].path);

		if (!is_scalar(value))
			return false;
		object_add_shared(summary, scalars[i].name, value);
	}
	return true;
}

static bool add_lists(struct json_object *policy, struct json_object *summary)
{
	static const char *const args_path[3] = {"runtime", "args", NULL};
	static const char *const mounts_path[3] = {"mounts", NULL, NULL};
	static const char *const outputs_path[3] = {"outputs", NULL, NULL};
	static const char *const level_path[3] = {"audit", "level", NULL};
	struct json_object *args = find(policy, args_path);
	struct json_object *mounts = find(policy, mounts_path);
	struct json_object *outputs = find(policy, outputs_path);

	if (!json_object_is_type(args, json_type_array) ||
	    !json_object_is_type(mounts, json_type_array) ||
	    !json_object_is_type(outputs, json_type_array))
		return false;
	object_add_integer(summary, "argsCount", (int64_t)json_object_array_length(args));
	object_add_integer(summary, "mounts", (int64_t)json_object_array_length(mounts));
	object_add_integer(summary, "outputs", (int64_t)json_object_array_length(outputs));
	if (strcmp(json_object_get_string(find(policy, level_path)), "full") == 0)
		object_add_shared(summary, "args", args);
	return true;
}

struct json_object *summary_make(struct json_object *policy)
{
	struct json_object *summary OBJECT_CLEANUP = object_new();

	if (policy == NULL || !add_scalars(policy, summary) || !add_lists(policy, summary))
		return NULL;
	return object_take(&summary);
}

struct json_object *summary_kernel(void)
{
	struct utsname name;
	struct json_object *kernel;

	if (uname(&name) < 0)
		return NULL;
	kernel = object_new();
	object_add_string(kernel, "machine", name.machine);
	object_add_string(kernel, "release", name.release);
	object_add_string(kernel, "sysname", name.sysname);
	object_add_string(kernel, "version", name.version);
	return kernel;
}

/* Device, inode and change time: another file, or the same one written to, has another identity. */
static struct json_object *describe_bind(struct plan_entry *entry)
{
	struct json_object *object;
	struct stat info;
	int fd = mount_open(entry->source);

	if (fd < 0)
		return NULL;
	if (mount_identify(fd, &entry->identity) < 0 || fstat(fd, &info) < 0) {
		int error_number = errno;

		(void)close(fd);
		errno = error_number;
		return NULL;
	}
	(void)close(fd);
	object = object_new();
	object_add_decimal(object, "ctimeNs",
			   (uint64_t)info.st_ctim.tv_sec * 1000000000 +
				   (uint64_t)info.st_ctim.tv_nsec);
	object_add_decimal(object, "device", info.st_dev);
	object_add_decimal(object, "inode", info.st_ino);
	object_add_string(object, "path", entry->path);
	object_add_string(object, "source", entry->source);
	object_add_string(object, "type", "bind");
	return object;
}

static struct json_object *describe_link(const struct plan_entry *entry)
{
	struct json_object *object = object_new();

	object_add_string(object, "path", entry->path);
	object_add_string(object, "target", entry->link_target);
	object_add_string(object, "type", "symlink");
	return object;
}

struct json_object *summary_root(struct plan *plan, const char **bad_path)
{
	struct json_object *root OBJECT_CLEANUP = object_new();
	struct json_object *entries = array_new();

	object_add(root, "entries", entries);
	object_add_string(root, "kind", "host");
	object_add_null(root, "path");
	for (size_t i = 0; i < plan->entry_count; i++) {
		struct plan_entry *entry = &plan->entries[i];
		struct json_object *item =
			entry->link_target != NULL ? describe_link(entry) : describe_bind(entry);

		if (item == NULL) {
			*bad_path = entry->source;
			return NULL;
		}
		array_append(entries, item);
	}
	return object_take(&root);
}
