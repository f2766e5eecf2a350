/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/device.h"

#include "stages/launch/mount.h"
#include "stages/launch/plan.h"
#include "stages/launch/root.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_LAUNCH
#define COUNT(set) (sizeof(set) / sizeof(set)[0])

/* Numbers fixed by Documentation/admin-guide/devices.txt. */
static const struct node {
	const char *path; /* of the host, and of the sandbox */
	unsigned number_major, number_minor;
} nodes[] = {
	{"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
	{"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

static const struct {
	const char *name, *target;
} links[] = {
	{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
};

/*
 * Where mknod(2) is denied, in a user namespace, the host's node is bound: opened without following links and
 * compared with the number it must have, so what stands at /dev/null of a strange host never gets
 * in. Read-only does not stop writing to a device, it stops changing the node.
 */
static int bind_node(const struct root *root, int dev_fd, const struct node *node)
{
	struct stat info;
	int source = mount_open(node->path);
	int mount_fd = -1;
	int place = -1;
	int result = -1;

	if (source >= 0 && fstat(source, &info) == 0) {
		if (S_ISCHR(info.st_mode) &&
		    info.st_rdev == makedev(node->number_major, node->number_minor))
			mount_fd = mount_copy(source, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
							      MOUNT_ATTR_NOEXEC);
		else
			errno = ENODEV;
	}
	if (mount_fd >= 0)
		place = root_place_at(root, dev_fd, node->path + strlen("/dev"), false);
	if (place >= 0)
		result = mount_place(mount_fd, place);
	int error_number = errno;

	(void)close(source);
	(void)close(mount_fd);
	(void)close(place);
	errno = error_number;
	return result;
}

/*
 * A node of our own has an inode of its own, so a lock or watch on it is the run's alone (apart.h).
 * The tmpfs they are made in is out of reach: over the host's /proc, which nobody looks up any more
 * and which goes with the old root. -1 with errno.
 */
static int make_home(void)
{
	static const struct mount_option options[] = {
		{"mode", "0700"}, {"size", "4k"}, {"nr_inodes", "16"}};
	int fd = mount_new("tmpfs", options, COUNT(options), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);

	if (fd >= 0 && move_mount(fd, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH) == 0)
		return fd;
	int error_number = errno;

	(void)close(fd);
	errno = error_number;
	return -1;
}

/* 1 where none may be made (EPERM): this root is one of a user namespace, as in a container. */
static int make_node(const struct root *root, int home_fd, int dev_fd, const struct node *node)
{
	const char *name = node->path + strlen("/dev");
	int mount_fd = -1, place = -1, result = -1;

	if (mknodat(home_fd, name + 1, S_IFCHR | 0666,
		    makedev(node->number_major, node->number_minor)) < 0)
		return errno == EPERM ? 1 : -1;
	mount_fd = mount_copy_below(home_fd, name + 1,
				    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (mount_fd >= 0)
		place = root_place_at(root, dev_fd, name, false);
	if (place >= 0)
		result = mount_place(mount_fd, place);
	int error_number = errno;

	(void)close(mount_fd);
	(void)close(place);
	errno = error_number;
	return result;
}

static int add_node(const struct root *root, int home_fd, int dev_fd, const struct node *node)
{
	int result = home_fd < 0 ? 1 : make_node(root, home_fd, dev_fd, node);

	return result > 0 ? bind_node(root, dev_fd, node) : result;
}

/* Every mount of devpts is an instance of its own (Linux 4.7): no terminal of the host is in it. */
static int mount_terminals(const struct root *root, int dev_fd)
{
	static const struct mount_option options[] = {{"mode", "0600"}, {"ptmxmode", "0666"}};
	int place = root_place_at(root, dev_fd, "/pts", true);
	int fd = place < 0 ? -1
			   : mount_new("devpts", options, COUNT(options),
				       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	int result = fd < 0 ? -1 : mount_place(fd, place);
	int error_number = errno;

	(void)close(fd);
	(void)close(place);
	errno = error_number;
	return result;
}

static enum fault_code fill(const struct root *root, int home_fd, int dev_fd, struct fault *fault)
{
	for (size_t i = 0; i < COUNT(nodes); i++)
		if (add_node(root, home_fd, dev_fd, &nodes[i]) < 0)
			return fault_set_errno(fault, CODE, errno, "launch.root.device",
					       errno == ENODEV
						       ? "%s of this host is not the device of "
							 "that name"
						       : "cannot bind %s",
					       nodes[i].path);
	if (mount_terminals(root, dev_fd) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.root.pts",
				       "cannot mount a private /dev/pts");
	for (size_t i = 0; i < COUNT(links); i++)
		if (symlinkat(links[i].target, dev_fd, links[i].name) < 0)
			return fault_set_errno(fault, CODE, errno, "launch.root.device",
					       "cannot make /dev/%s", links[i].name);
	return FAULT_NONE;
}

enum fault_code device_make(const struct root *root, bool rootless, struct fault *fault)
{
	int dev_fd = root_place(root, "/dev", true);
	int home_fd = -1;
	enum fault_code code;

	if (dev_fd < 0 || (!rootless && (home_fd = make_home()) < 0)) {
		code = fault_set_errno(fault, CODE, errno, "launch.root.device",
				       "cannot make /dev");
	} else {
		code = fill(root, home_fd, dev_fd, fault);
	}
	(void)close(home_fd);
	(void)close(dev_fd);
	return code;
}

static const struct node kvm_node = {"/dev/kvm", 10, 232};

/*
 * Safe: the one number it can have is KVM's, the file system it lies on is closed for devices
 * before anybody can look at it, and what is mounted is the node alone, read-only.
 */
static int make_kvm(const struct root *root, const struct plan *plan, int dev_fd)
{
	static const struct mount_option options[] = {
		{"mode", "0700"}, {"size", "4k"}, {"nr_inodes", "2"}};
	int place = root_place(root, "/run/vm/dev", true);
	int fd = place < 0 ? -1
			   : mount_new("tmpfs", options, COUNT(options),
				       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	int node = -1, node_place = -1, result = -1;

	/* open_tree(2) copies only what has a place in our namespace (before Linux 6.15). */
	if (fd >= 0 && mount_place(fd, place) == 0 &&
	    mknodat(fd, "kvm", S_IFCHR | 0600,
		    makedev(kvm_node.number_major, kvm_node.number_minor)) == 0 &&
	    fchownat(fd, "kvm", plan->uid, plan->gid, AT_SYMLINK_NOFOLLOW) == 0)
		node = mount_copy_below(fd, "kvm",
					MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (node >= 0)
		node_place = root_place_at(root, dev_fd, "/kvm", false);
	if (node_place >= 0 && mount_place(node, node_place) == 0)
		result = mount_set(fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV);
	int error_number = errno;

	(void)close(place);
	(void)close(fd);
	(void)close(node);
	(void)close(node_place);
	errno = error_number;
	return result;
}

enum fault_code device_add_kvm(const struct root *root, const struct plan *plan,
			       struct fault *fault)
{
	int dev_fd = root_place(root, "/dev", true);
	int result = -1;

	if (dev_fd >= 0)
		result = plan->rootless ? bind_node(root, dev_fd, &kvm_node)
					: make_kvm(root, plan, dev_fd);
	int error_number = errno;

	(void)close(dev_fd);
	return result == 0 ? FAULT_NONE
			   : fault_set_errno(fault, CODE, error_number, "launch.root.device",
					     "cannot give the VMM its /dev/kvm");
}
