/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/root.h"

#include "stages/launch/mount.h"
#include "stages/launch/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE		FAULT_RUN_LAUNCH
#define INODES_BASE	1024
#define BYTES_PER_INODE 4096 /* an empty file costs the kernel about 1 KiB, and no block */
#define COUNT(set)	(sizeof(set) / sizeof(set)[0])

/* A directory of the private tmpfs, the workload's, whatever our umask is. */
static int make_part(const struct root *root, const struct plan *plan, const char *name,
		     mode_t mode)
{
	if (mkdirat(root->disk_fd, name, 0700) < 0)
		return -1;
	/* In a user namespace it is ours, which is the workload's, already. */
	if (!plan->rootless &&
	    fchownat(root->disk_fd, name, plan->uid, plan->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return fchmodat(root->disk_fd, name, mode, 0);
}

static int place_part(const struct root *root, const char *name, const char *path,
		      uint64_t attributes)
{
	int part = mount_copy_below(root->disk_fd, name,
				    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | attributes);
	int place = part < 0 ? -1 : root_place(root, path, true);
	int result = place < 0 ? -1 : mount_place(part, place);
	int error_number = errno;

	(void)close(part);
	(void)close(place);
	errno = error_number;
	return result;
}

uint64_t root_disk_inodes(const struct plan *plan)
{
	return plan->disk_max / BYTES_PER_INODE + INODES_BASE;
}

/*
 * open_tree(2) copies only what is mounted in our namespace (before Linux 6.15), so the whole gets
 * a place first: over the host's /proc, which nobody looks up any more and which goes with the old
 * root. One file system in several places is one budget.
 */
static int mount_disk(struct root *root, const struct plan *plan)
{
	char size[24], inodes[24];
	const struct mount_option options[] = {
		{"mode", "0755"}, {"size", size}, {"nr_inodes", inodes}};
	struct stat info;

	(void)snprintf(size, sizeof size, "%" PRIu64, plan->disk_max);
	(void)snprintf(inodes, sizeof inodes, "%" PRIu64, root_disk_inodes(plan));
	root->disk_fd =
		mount_new("tmpfs", options, COUNT(options), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (root->disk_fd < 0 ||
	    move_mount(root->disk_fd, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    fstat(root->disk_fd, &info) < 0)
		return -1;
	root->disk_device = info.st_dev;
	if (mkdirat(root->disk_fd, ROOT_DISK_EMPTY, 0555) < 0)
		return -1;
	root->empty_fd = openat(root->disk_fd, ROOT_DISK_EMPTY,
				O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return root->empty_fd < 0 ? -1 : 0;
}

enum fault_code root_disk(struct root *root, const struct plan *plan, struct fault *fault)
{
	if (mount_disk(root, plan) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.root.disk",
				       "cannot mount the private tmpfs of %" PRIu64 " bytes",
				       plan->disk_max);
	if (make_part(root, plan, ROOT_DISK_TMP, 01777) < 0 ||
	    place_part(root, ROOT_DISK_TMP, "/tmp", 0) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.root.tmp", "cannot make /tmp");
	if (make_part(root, plan, ROOT_DISK_SHM, 01777) < 0 ||
	    place_part(root, ROOT_DISK_SHM, "/dev/shm", MOUNT_ATTR_NOEXEC) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.root.shm",
				       "cannot make /dev/shm");
	return FAULT_NONE;
}

/* Whether path is directory or below it. */
static bool below(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return strncmp(path, directory, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

bool root_workdir_private(const struct plan *plan)
{
	for (size_t i = 0; i < plan->mount_count; i++)
		if (below(plan->cwd, plan->mounts[i].target))
			return false;
	for (size_t i = 0; i < plan->entry_count; i++)
		if (below(plan->cwd, plan->entries[i].path))
			return false;
	return strcmp(plan->cwd, "/tmp") != 0;
}

enum fault_code root_workdir(const struct root *root, const struct plan *plan, struct fault *fault)
{
	if (!root_workdir_private(plan))
		return FAULT_NONE;
	if (make_part(root, plan, ROOT_DISK_WORK, 0755) < 0 ||
	    place_part(root, ROOT_DISK_WORK, plan->cwd, 0) < 0) {
		if (errno == EROFS && plan->root.kind != PLAN_ROOT_HOST)
			return fault_set(fault, CODE, "launch.root.workdir",
					 "the work directory %s is not there in the rootfs, which "
					 "is read-only: make it there, or choose one at the top, "
					 "such as /work",
					 plan->cwd);
		return fault_set_errno(fault, CODE, errno, "launch.root.workdir",
				       "cannot make the work directory %s", plan->cwd);
	}
	return FAULT_NONE;
}

int root_open_workdir(const struct root *root, const struct plan *plan)
{
	return openat(root->disk_fd, root_workdir_private(plan) ? ROOT_DISK_WORK : ROOT_DISK_TMP,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}
