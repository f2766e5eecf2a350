/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/root.h"

#include "stages/launch/apart.h"
#include "stages/launch/device.h"
#include "stages/launch/mount.h"
#include "stages/launch/namespace.h"
#include "stages/launch/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_LAUNCH
#define CLOSED	   (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define INERT	   (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
#define BIND	   "launch.root.bind"
#define ETC	   "/etc"
#define COUNT(set) (sizeof(set) / sizeof(set)[0])

/*
 * Mounts of the host's must not come in later, nor ours go out. Safe: the namespace is ours alone,
 * and a private mount loses only its ties. It is also the first thing here that needs
 * CAP_SYS_ADMIN, so where a host gives an empty user namespace (AppArmor) it shows now.
 */
static enum fault_code make_private(bool rootless, struct fault *fault)
{
	struct mount_attr attr = {.propagation = MS_PRIVATE};

	if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof attr) == 0)
		return FAULT_NONE;
	/* pivot_root(2) would refuse it as well. */
	if (errno == EINVAL)
		return fault_set(fault, FAULT_HOST_LACKS, "launch.root.private",
				 "the root directory is no mount point, as in a chroot: bind its "
				 "directory onto itself before entering it (mount --bind DIR DIR)");
	return namespace_explain(errno, rootless, "launch.root.private", fault);
}

/*
 * Laid over "/": paths still start at the tree below it until pivot_root, so the host's
 * directories can be found by their names while the new root is reached through its descriptor.
 */
static enum fault_code make_root(struct root *root, struct fault *fault)
{
	static const struct mount_option options[] = {
		{"mode", "0755"}, {"size", "16m"}, {"nr_inodes", "4096"}};
	struct stat info;

	root->fd = mount_new("tmpfs", options, COUNT(options), INERT);
	if (root->fd < 0 || move_mount(root->fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    fstat(root->fd, &info) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.root.tmpfs",
				       "cannot mount a tmpfs as the new root");
	root->device = info.st_dev;
	return FAULT_NONE;
}

/*
 * hidepid: other users' processes, init among them, are not there. subset=pid (Linux 5.8): no
 * sysctls, no kernel log, no list of modules. The instance belongs to our pid namespace and shows
 * nothing of the host.
 */
static enum fault_code make_proc(const struct root *root, bool rootless, struct fault *fault)
{
	static const struct mount_option options[] = {{"hidepid", "2"}, {"subset", "pid"}};
	int place = root_place(root, "/proc", true);
	int fd = mount_new("proc", options, COUNT(options), INERT | MOUNT_ATTR_RDONLY);
	int result = place >= 0 && fd >= 0 ? mount_place(fd, place) : -1;
	int error_number = errno;

	(void)close(fd);
	(void)close(place);
	if (result == 0)
		return FAULT_NONE;
	/* mnt_already_visible: a namespace may not see more of /proc than its owner does. */
	if (error_number == EPERM && rootless)
		return fault_set_errno(fault, FAULT_HOST_LACKS, error_number, "launch.root.proc",
				       "cannot mount /proc: parts of it are covered here, as in a "
				       "container. Start the outer container with an unmasked "
				       "/proc (docker run --security-opt systempaths=unconfined), "
				       "or run outside it");
	return fault_set_errno(fault, CODE, error_number, "launch.root.proc", "cannot mount /proc");
}

enum fault_code root_start(struct root *root, bool rootless, struct fault *fault)
{
	enum fault_code code = make_private(rootless, fault);

	*root = (struct root){.fd = -1, .disk_fd = -1, .empty_fd = -1};
	if (code == FAULT_NONE)
		code = make_root(root, fault);
	if (code == FAULT_NONE)
		code = device_make(root, rootless, fault);
	return code == FAULT_NONE ? make_proc(root, rootless, fault) : code;
}

static bool is_ours(const struct root *root, int fd)
{
	struct stat info;

	return fstat(fd, &info) == 0 && (info.st_dev == root->device ||
					 (root->disk_fd >= 0 && info.st_dev == root->disk_device));
}

/* name in dir_fd, made when it is not there and dir_fd is on a file system of ours. */
static int open_or_make(const struct root *root, int dir_fd, const char *name, bool directory)
{
	int flags = O_PATH | O_CLOEXEC | O_NOFOLLOW | (directory ? O_DIRECTORY : 0);
	int fd = openat(dir_fd, name, flags);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (!is_ours(root, dir_fd)) {
		errno = EROFS;
		return -1;
	}
	/* What it is opened for does not matter to a mount on it. */
	if (!directory)
		return openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	return mkdirat(dir_fd, name, 0755) < 0 ? -1 : openat(dir_fd, name, flags);
}

int root_place_at(const struct root *root, int dir_fd, const char *path, bool directory)
{
	char name[256];
	int fd = dir_fd;

	while (*path == '/') {
		size_t len = strcspn(++path, "/");
		int next;

		if (len == 0 || len >= sizeof name) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, path, len);
		name[len] = '\0';
		path += len;
		next = open_or_make(root, fd, name, directory || *path == '/');
		if (fd != dir_fd) {
			int error_number = errno;

			(void)close(fd);
			errno = error_number;
		}
		if (next < 0)
			return -1;
		fd = next;
	}
	return fd;
}

int root_place(const struct root *root, const char *path, bool directory)
{
	return root_place_at(root, root->fd, path, directory);
}

static bool is_etc(const char *path)
{
	return strncmp(path, ETC "/", strlen(ETC "/")) == 0;
}

/*
 * Half of the entries are below /etc, which is no entry itself (bundle_root.c), so that nothing can
 * cover the directory etc_fd is open on.
 */
static int entry_place(const struct root *root, int etc_fd, const char *path, bool directory)
{
	if (is_etc(path))
		return root_place_at(root, etc_fd, path + strlen(ETC), directory);
	return root_place(root, path, directory);
}

/* Opened without following links, and still the very file the compile event named. */
static int open_entry(const struct plan_entry *entry)
{
	struct plan_identity identity;
	int fd = mount_open(entry->source);

	if (fd < 0)
		return -1;
	if (mount_identify(fd, &identity) == 0 && mount_same(&identity, &entry->identity))
		return fd;
	(void)close(fd);
	errno = ESTALE;
	return -1;
}

static enum fault_code add_entry(struct apart *apart, int etc_fd, const struct plan_entry *entry,
				 struct fault *fault)
{
	const struct apart_source source = {
		.fd = open_entry(entry),
		.path = entry->source,
		.field = BIND,
		.code = CODE,
		.inode = entry->identity.inode,
		.attributes = CLOSED,
		.directory = entry->identity.directory,
		/* A place that is new is open for writing; no entry comes twice, or it fails. */
		.small = is_etc(entry->path) && !entry->identity.directory,
	};
	enum fault_code code;
	int place_fd;

	if (source.fd < 0)
		return fault_set_errno(fault, CODE, errno, BIND,
				       errno == ESTALE ? "%s is not what it was when the run began"
						       : "cannot open %s",
				       entry->source);
	place_fd = entry_place(apart->root, etc_fd, entry->path, source.directory);
	code = place_fd < 0
		       ? fault_set_errno(fault, CODE, errno, BIND, "cannot make %s", entry->path)
		       : apart_place(apart, &source, place_fd, fault);
	(void)close(source.fd);
	(void)close(place_fd);
	return code;
}

static int link_entry(const struct root *root, const struct plan_entry *entry)
{
	char parent[PLAN_PATH_MAX];
	const char *name = strrchr(entry->path, '/');
	size_t len = (size_t)(name - entry->path);
	int dir_fd = root->fd;
	int result;

	memcpy(parent, entry->path, len);
	parent[len] = '\0';
	if (len > 0)
		dir_fd = root_place(root, parent, true);
	result = dir_fd < 0 ? -1 : symlinkat(entry->link_target, dir_fd, name + 1);
	if (len > 0)
		(void)close(dir_fd);
	return result;
}

static enum fault_code make_entries(struct apart *apart, int etc_fd, struct fault *fault)
{
	const struct plan *plan = apart->plan;
	enum fault_code code = FAULT_NONE;

	for (size_t i = 0; code == FAULT_NONE && i < plan->entry_count; i++) {
		const struct plan_entry *entry = &plan->entries[i];

		if (entry->link_target == NULL)
			code = add_entry(apart, etc_fd, entry, fault);
		else if (link_entry(apart->root, entry) < 0)
			code = fault_set_errno(fault, CODE, errno, "launch.root.link",
					       "cannot make %s", entry->path);
	}
	return code;
}

enum fault_code root_entries(struct apart *apart, struct fault *fault)
{
	int etc_fd = root_place(apart->root, ETC, true);
	enum fault_code code;

	if (etc_fd < 0)
		return fault_set_errno(fault, CODE, errno, "launch.root.etc", "cannot make " ETC);
	code = apart_offer(apart, ETC, fault);
	if (code == FAULT_NONE)
		code = make_entries(apart, etc_fd, fault);
	(void)close(etc_fd);
	return code;
}

/*
 * pivot_root(".", ".") puts the old root over the new one at the same place (pivot_root(2)); paths
 * start at the new one from here. Safe: this is the only namespace that changes.
 */
enum fault_code root_enter(struct root *root, struct fault *fault)
{
	if (mount_set(root->fd, MOUNT_ATTR_RDONLY) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.root.readonly",
				       "cannot make the root read-only");
	if (fchdir(root->fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || chdir("/") < 0)
		return fault_set_errno(fault, errno == EINVAL ? FAULT_HOST_LACKS : CODE, errno,
				       "launch.root.pivot",
				       "cannot change to the new root (it cannot be done from an "
				       "initramfs: use switch_root there first)");
	(void)close(root->fd);
	(void)close(root->disk_fd);
	(void)close(root->empty_fd);
	root->fd = root->disk_fd = root->empty_fd = -1;
	return FAULT_NONE;
}

/*
 * Every host mount that was not bound goes with the old root. No descriptor of ours is open on one
 * of them: init closed all it was given before it began.
 */
enum fault_code root_leave(struct fault *fault)
{
	if (umount2(".", MNT_DETACH) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, "launch.root.detach",
			       "cannot let go of the host's file systems");
}
