/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/rootfs.h"

#include "ipc/event.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/launch/mount.h"
#include "stages/launch/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "policy.runtime.rootfs"

void rootfs_assistant(const struct launch *launch, const char *program, const char *path,
		      struct assistant_plan *plan)
{
	*plan = (struct assistant_plan){
		.home_fd = launch->home_fd,
		.program = program,
		.path = path,
		.uid = geteuid(),
		.gid = getegid(),
		.stdin_fd = ASSISTANT_STDIN_NULL,
		.record_max = RECORD_EVENT_MAX,
		.interrupt_fd = launch->signal_fd,
	};
}

enum fault_code rootfs_ask(const struct assistant_plan *plan, struct json_object **record,
			   struct fault *fault)
{
	struct assistant assistant;
	enum fault_code code = assistant_start(&assistant, plan, fault);

	if (code != FAULT_NONE)
		return code;
	return assistant_result(&assistant, event_boot_ns() + ROOTFS_TIME_S * 1000000000ULL, record,
				fault);
}

const char *rootfs_text(struct json_object *record, const char *name)
{
	struct json_object *value = NULL;

	if (json_object_is_type(record, json_type_object))
		(void)json_object_object_get_ex(record, name, &value);
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

enum fault_code rootfs_hash_tree(const struct launch *launch, int dir_fd,
				 struct json_object **record, struct fault *fault)
{
	struct assistant_plan plan;
	enum fault_code code;

	rootfs_assistant(launch, "sr-tree", "launch.root.tree", &plan);
	plan.fds[plan.fd_count++] = (struct assistant_fd){"--tree-fd", dir_fd};
	code = rootfs_ask(&plan, record, fault);
	if (code != FAULT_NONE || digest_text_valid(rootfs_text(*record, "hash")))
		return code;
	object_release(record);
	return fault_set(fault, CODE, "launch.root.tree", "sr-tree told no hash");
}

struct json_object *rootfs_describe(const struct plan *plan, const char *kind)
{
	struct json_object *root = object_new();

	object_add_decimal(root, "device", plan->root.identity.device);
	object_add_decimal(root, "inode", plan->root.identity.inode);
	object_add_string(root, "kind", kind);
	object_add_string(root, "path", plan->root.path);
	return root;
}

void rootfs_add_manifest(struct json_object *root, struct json_object *record)
{
	static const char *const counts[] = {"bytes", "directories", "files",
					     "links", "others",	     "unreadable"};
	struct json_object *manifest = object_new();

	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		struct json_object *value = NULL;

		(void)json_object_object_get_ex(record, counts[i], &value);
		object_add_integer(manifest, counts[i], json_object_get_int64(value));
	}
	object_add_string(root, "hash", rootfs_text(record, "hash"));
	object_add(root, "manifest", manifest);
}

/* A FIFO or device that took the place of the file is not waited for (O_NONBLOCK), and refused. */
enum fault_code rootfs_open_source(const struct plan_root *root, int *fd, struct fault *fault)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
			 (root->identity.directory ? O_DIRECTORY : 0),
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	struct plan_identity identity;

	*fd = (int)syscall(SYS_openat2, AT_FDCWD, root->path, &how, sizeof how);
	if (*fd < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot open %s%s", root->path,
				       errno == ELOOP ? ", in which a symbolic link has appeared "
							"since it was validated"
						      : "");
	if (mount_identify(*fd, &identity) == 0 && mount_same(&identity, &root->identity))
		return FAULT_NONE;
	(void)close(*fd);
	*fd = -1;
	return fault_set(fault, CODE, PATH, "%s is another file than the one that was validated",
			 root->path);
}

static enum fault_code from_directory(struct launch *launch, int source_fd, struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	enum fault_code code = rootfs_hash_tree(launch, source_fd, &record, fault);

	if (code != FAULT_NONE)
		return code;
	launch->plan->root.tree = launch->plan->root.path;
	launch->plan->root.tree_identity = launch->plan->root.identity;
	launch->root_identity = rootfs_describe(launch->plan, "directory");
	rootfs_add_manifest(launch->root_identity, record);
	return FAULT_NONE;
}

enum fault_code rootfs_identify(struct launch *launch, struct fault *fault)
{
	int fd = -1;
	enum fault_code code = rootfs_open_source(&launch->plan->root, &fd, fault);

	if (code != FAULT_NONE)
		return code;
	code = launch->plan->root.kind == PLAN_ROOT_DIRECTORY
		       ? from_directory(launch, fd, fault)
		       : rootfs_from_store(launch, fd, fault);
	(void)close(fd);
	return code;
}
