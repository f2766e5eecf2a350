/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/overlay.h"

#include "stages/launch/mount.h"
#include "stages/launch/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#define COUNT(set) (sizeof(set) / sizeof(set)[0])

/*
 * xino: inode numbers are the host's own, and files and directories have one device, or find -xdev
 * and du -x would pass files over. nofollow also for what was recorded by others.
 */
static const struct mount_option options[] = {
	{"xino", "on"},	  {"redirect_dir", "nofollow"}, {"metacopy", "off"},
	{"index", "off"}, {"nfs_export", "off"},
};

/* overlayfs wants two layers where none is writable; the second is an empty directory. */
static int set_layers(int context_fd, const struct root *root, const int fds[2])
{
	(void)root;
	if (fsconfig(context_fd, FSCONFIG_SET_FD, "lowerdir+", NULL, fds[0]) < 0)
		return -1;
	return fsconfig(context_fd, FSCONFIG_SET_FD, "lowerdir+", NULL, fds[1]);
}

/*
 * Before Linux 6.13 a layer has to be a path. It leads through this process's own descriptors in
 * the sandbox's own procfs, which is below the current directory then: nobody else can change
 * either, and the kernel jumps to what the descriptor is open on (proc_pid_fd(5)).
 */
static int set_paths(int context_fd, const struct root *root, const int fds[2])
{
	char layers[2 * sizeof "proc/self/fd/2147483647"];
	struct mount_option layer = {"lowerdir", layers};

	(void)snprintf(layers, sizeof layers, "proc/self/fd/%d:proc/self/fd/%d", fds[0], fds[1]);
	if (fchdir(root->fd) < 0)
		return -1;
	return fsconfig(context_fd, FSCONFIG_SET_STRING, layer.key, layer.value, 0);
}

static int make(const struct root *root, const int fds[2], uint64_t attributes,
		int (*set)(int, const struct root *, const int *))
{
	int context_fd = fsopen("overlay", FSOPEN_CLOEXEC);
	int fd = -1, error_number;

	if (context_fd < 0)
		return -1;
	if (set(context_fd, root, fds) == 0 &&
	    mount_configure(context_fd, options, COUNT(options)) == 0)
		fd = fsmount(context_fd, FSMOUNT_CLOEXEC, (unsigned)attributes);
	error_number = errno;
	(void)close(context_fd);
	errno = error_number;
	return fd;
}

int overlay_mount_two(const struct root *root, int upper_fd, int lower_fd, uint64_t attributes)
{
	const int fds[] = {upper_fd, lower_fd};
	int fd = make(root, fds, attributes, set_layers);

	/* EOPNOTSUPP before Linux 6.5, EINVAL before 6.13: a kernel that takes paths only. */
	if (fd >= 0 || (errno != EINVAL && errno != EOPNOTSUPP))
		return fd;
	return make(root, fds, attributes, set_paths);
}

int overlay_mount(const struct root *root, int dir_fd, uint64_t attributes)
{
	return overlay_mount_two(root, dir_fd, root->empty_fd, attributes);
}

/* Over a /proc nobody looks up any more, as the private tmpfs (disk.c). */
int overlay_stage(const struct root *root, int dir_fd, uint64_t attributes)
{
	int fd = overlay_mount(root, dir_fd, attributes);
	int error_number;

	if (fd < 0 || move_mount(fd, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH) == 0)
		return fd;
	error_number = errno;
	(void)close(fd);
	errno = error_number;
	return -1;
}
