/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/apart.h"

#include "ipc/object.h"
#include "stages/launch/apart_split.h"
#include "stages/launch/mount.h"
#include "stages/launch/overlay.h"
#include "stages/launch/plan.h"
#include "stages/launch/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CLOSED (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
/* xino keeps the host's number in the low bits of an overlay's (ovl_map_dev_ino). */
#define INODE_BITS  ((UINT64_C(1) << 60) - 1)
#define NOSYMFOLLOW 0x2000 /* ST_NOSYMFOLLOW, statfs(2) */

bool apart_wanted(const struct plan *plan)
{
	return strcmp(plan->seccomp, "strict") != 0 && !plan->machine.wanted &&
	       !plan->machine.guest;
}

void apart_learn(struct apart *apart, const struct root *root)
{
	int proc_fd = mount_open_proc(root->fd);

	*apart = (struct apart){.root = root};
	if (proc_fd < 0 || mount_table_read(&apart->table, proc_fd) < 0)
		apart->table_errno = errno;
	(void)close(proc_fd);
}

enum fault_code apart_start(struct apart *apart, const struct plan *plan, struct fault *fault)
{
	apart->plan = plan;
	if (!apart_wanted(plan) || apart->table_errno == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_RUN_LAUNCH, apart->table_errno, "launch.root.mounts",
			       "cannot learn what is mounted on this host");
}

void apart_close(struct apart *apart)
{
	for (size_t i = 0; i < apart->layer_count; i++)
		(void)close(apart->layers[i].fd);
	apart->layer_count = 0;
	mount_table_release(&apart->table);
}

enum fault_code apart_lack(const struct apart_source *source, const char *why, int error_number,
			   struct fault *fault)
{
	return fault_set(fault, FAULT_HOST_LACKS, source->field,
			 "%.180s cannot be given to this run through inodes of its own, so that "
			 "nobody else notices its file locks and watches: %.120s%s%s. Set "
			 "runtime.seccomp to strict, which has neither, or use --best-effort, "
			 "which shares the inodes",
			 source->path, why, error_number != 0 ? ": " : "",
			 error_number != 0 ? strerror(error_number) : "");
}

static enum fault_code lack_overlay(const struct apart_source *source, struct fault *fault)
{
	const char *why =
		"its file system, or overlays it already lies on, cannot carry an overlay";

	if (errno == ENODEV)
		why = "this kernel does not know overlayfs: modprobe overlay";
	if (errno == EPERM || errno == EACCES)
		why = "this host does not let an overlay be mounted";
	return apart_lack(source, why, errno, fault);
}

static enum fault_code failed(const struct apart_source *source, struct fault *fault)
{
	return fault_set_errno(fault, source->code, errno, source->field,
			       errno == ESTALE ? "%s is not what it was when the run began"
					       : "cannot mount %s read-only",
			       source->path);
}

/* What the host's own mount forbids stays forbidden; a bind mount keeps it by itself. */
int apart_attributes(const struct apart_source *source, int fd, uint64_t *attributes)
{
	struct statvfs info;

	if (fstatvfs(fd, &info) < 0)
		return -1;
	*attributes = source->attributes |
		      ((info.f_flag & ST_NOEXEC) != 0 ? MOUNT_ATTR_NOEXEC : 0U) |
		      ((info.f_flag & NOSYMFOLLOW) != 0 ? MOUNT_ATTR_NOSYMFOLLOW : 0U);
	return 0;
}

/* fd, which is taken over, shows what is below the first len bytes of path. */
static void keep_layer(struct apart *apart, const char *path, size_t len,
		       const struct mountinfo *mount, int fd)
{
	if (apart->layer_count < APART_LAYER_MAX)
		apart->layers[apart->layer_count++] = (struct apart_layer){path, len, mount, fd};
	else
		(void)close(fd);
}

static enum fault_code offer(struct apart *apart, struct apart_source *source, struct fault *fault)
{
	const struct mountinfo *mount = mount_table_of(&apart->table, source->fd);
	uint64_t attributes = 0;
	int fd = -1;

	if (mount == NULL || apart_attributes(source, source->fd, &attributes) < 0)
		return failed(source, fault);
	fd = overlay_stage(apart->root, source->fd, attributes);
	if (fd >= 0)
		keep_layer(apart, source->path, strlen(source->path), mount, fd);
	/* Something is mounted below, and we are in a user namespace: its parts are tried alone. */
	else if (errno != EINVAL && !apart->plan->best_effort)
		return lack_overlay(source, fault);
	return FAULT_NONE;
}

enum fault_code apart_offer(struct apart *apart, const char *path, struct fault *fault)
{
	struct apart_source source = {
		.path = path,
		.field = "launch.root.bind",
		.code = FAULT_RUN_LAUNCH,
		.attributes = CLOSED,
		.directory = true,
	};
	enum fault_code code;

	if (!apart_wanted(apart->plan))
		return FAULT_NONE;
	source.fd = mount_open(path);
	/* A host without it, or with a link there, has no entries in it either. */
	if (source.fd < 0)
		return errno == ENOENT || errno == ELOOP ? FAULT_NONE : failed(&source, fault);
	code = offer(apart, &source, fault);
	(void)close(source.fd);
	return code;
}

/*
 * The name is looked up in the overlay, so what it leads to is compared; the number is enough, both
 * being of one mount and so of one file system.
 */
static int open_in(const struct apart_layer *layer, const struct apart_source *source)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};
	const char *name = source->path + layer->path_len;
	int fd = (int)syscall(SYS_openat2, layer->fd, name + strspn(name, "/"), &how, sizeof how);
	struct stat info = {.st_ino = 0};

	if (fd < 0)
		return -1;
	int error_number = fstat(fd, &info) < 0 ? errno : ESTALE;

	if (error_number == ESTALE && S_ISDIR(info.st_mode) == source->directory &&
	    ((info.st_ino ^ source->inode) & INODE_BITS) == 0)
		return fd;
	(void)close(fd);
	errno = error_number;
	return -1;
}

static bool shows(const struct apart_layer *layer, const struct apart_source *source,
		  const struct mountinfo *mount)
{
	size_t len = layer->path_len;

	return layer->mount == mount && strncmp(source->path, layer->path, len) == 0 &&
	       (source->path[len] == '/' || (len == 1 && source->path[1] != '\0'));
}

/* A mount of source out of a layer, without a place; -1 with errno, ENOENT: none has it. */
static int copy_out(const struct apart *apart, const struct apart_source *source,
		    const struct mountinfo *mount)
{
	for (size_t i = 0; i < apart->layer_count; i++) {
		int fd, copy_fd, error_number;

		if (!shows(&apart->layers[i], source, mount))
			continue;
		fd = open_in(&apart->layers[i], source);
		if (fd < 0 && (errno == ESTALE || errno == ENOENT || errno == EXDEV))
			continue;
		copy_fd = fd < 0 ? -1 : mount_copy_one(fd, source->attributes);
		error_number = errno;
		(void)close(fd);
		/* A missing file is not what this says. */
		errno = error_number == ENOENT ? EIO : error_number;
		return copy_fd;
	}
	errno = ENOENT;
	return -1;
}

static int mount_whole(const struct apart *apart, const struct apart_source *source)
{
	uint64_t attributes = 0;

	if (apart_attributes(source, source->fd, &attributes) < 0)
		return -1;
	return overlay_mount(apart->root, source->fd, attributes);
}

static enum fault_code place_directory(struct apart *apart, const struct apart_source *source,
				       int place_fd, struct fault *fault)
{
	const struct mountinfo *mount = mount_table_of(&apart->table, source->fd);
	bool whole = false;
	enum fault_code code;
	int fd;

	if (mount == NULL)
		return failed(source, fault);
	code = apart_check_below(apart, source, mount, fault);
	if (code != FAULT_NONE)
		return code;
	if (apart_is_split(apart, source))
		return apart_split(apart, source, place_fd, fault);
	fd = copy_out(apart, source, mount);
	if (fd < 0 && errno == ENOENT) {
		whole = true;
		fd = mount_whole(apart, source);
	}
	if (fd < 0)
		return lack_overlay(source, fault);
	code = mount_place(fd, place_fd) < 0 ? failed(source, fault)
					     : apart_add_below(apart, source, fd, fault);
	if (whole && code == FAULT_NONE && source->attributes == CLOSED)
		keep_layer(apart, source->path, strlen(source->path), mount, fd);
	else
		(void)close(fd);
	return code;
}

/* Nothing of its directory but the file gets a place in the sandbox. */
static enum fault_code stage_parent(struct apart *apart, const struct apart_source *source,
				    const struct mountinfo *mount, struct fault *fault)
{
	struct apart_source parent = *source;
	size_t len = (size_t)(strrchr(source->path, '/') - source->path);
	char path[PLAN_PATH_MAX];
	enum fault_code code;
	int fd = -1;

	memcpy(path, source->path, len);
	path[len] = '\0';
	parent.path = len == 0 ? "/" : path;
	parent.attributes = CLOSED;
	parent.fd = mount_open(parent.path);
	if (parent.fd < 0)
		return failed(&parent, fault);
	if (mount_table_of(&apart->table, parent.fd) != mount)
		code = apart_lack(source, "it is a mount of its own: mount its directory instead",
				  0, fault);
	else
		code = apart_stage(apart, &parent, &fd, fault);
	/* The file's path begins with it. */
	if (code == FAULT_NONE)
		keep_layer(apart, source->path, len == 0 ? 1 : len, mount, fd);
	(void)close(parent.fd);
	return code;
}

static enum fault_code place_file(struct apart *apart, const struct apart_source *source,
				  int place_fd, struct fault *fault)
{
	const struct mountinfo *mount = mount_table_of(&apart->table, source->fd);
	enum fault_code code = FAULT_NONE;
	int fd;

	if (mount == NULL)
		return failed(source, fault);
	fd = copy_out(apart, source, mount);
	if (fd < 0 && errno == ENOENT) {
		code = stage_parent(apart, source, mount, fault);
		if (code != FAULT_NONE)
			return code;
		fd = copy_out(apart, source, mount);
		errno = fd < 0 && errno == ENOENT ? ESTALE : errno;
	}
	if (fd < 0 || mount_place(fd, place_fd) < 0)
		code = failed(source, fault);
	(void)close(fd);
	return code;
}

static int bind(const struct apart_source *source, int place_fd)
{
	int mount_fd = mount_copy(source->fd, source->attributes);
	int result = mount_fd < 0 ? -1 : mount_place(mount_fd, place_fd);
	int error_number = errno;

	(void)close(mount_fd);
	errno = error_number;
	return result;
}

enum fault_code apart_place(struct apart *apart, const struct apart_source *source, int place_fd,
			    struct fault *fault)
{
	enum fault_code code;

	if (apart_wanted(apart->plan)) {
		code = source->directory ? place_directory(apart, source, place_fd, fault)
					 : place_file(apart, source, place_fd, fault);
		if (code == FAULT_HOST_LACKS && source->small)
			return apart_copy(apart, source, place_fd, fault);
		if (code == FAULT_NONE || !apart_share(apart, source, fault))
			return code;
	}
	/* Over what there is of an overlay, when a part of it could not be made. */
	return bind(source, place_fd) == 0 ? FAULT_NONE : failed(source, fault);
}

enum fault_code apart_stage(const struct apart *apart, const struct apart_source *source, int *fd,
			    struct fault *fault)
{
	uint64_t attributes = 0;

	if (apart_attributes(source, source->fd, &attributes) == 0)
		*fd = overlay_stage(apart->root, source->fd, attributes);
	return *fd >= 0 ? FAULT_NONE : lack_overlay(source, fault);
}

bool apart_share(struct apart *apart, const struct apart_source *source, const struct fault *reason)
{
	struct json_object *entry;

	if (reason->code != FAULT_HOST_LACKS || !apart->plan->best_effort)
		return false;
	entry = object_new();
	object_add_escaped(entry, "path", source->path, strlen(source->path));
	object_add_escaped(entry, "reason", reason->message, strlen(reason->message));
	if (apart->shared == NULL)
		apart->shared = array_new();
	array_append(apart->shared, entry);
	return true;
}
