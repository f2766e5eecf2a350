/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/mount.h"
#include "stages/launch/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define CODE	    FAULT_RUN_LAUNCH
#define PATH	    "launch.root.image"
#define CLOSED	    (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define TRIES_MAX   64 /* others take devices at the same time */
#define DEVICE_SIZE sizeof("/dev/loop2147483647")

struct loop_device {
	int fd;
	dev_t number;
	char path[DEVICE_SIZE];
};

/*
 * One call sets the file and its flags, so there is no moment in which the device outlives us
 * (LOOP_CONFIGURE, Linux 5.8): LO_FLAGS_AUTOCLEAR gives it back with its last user, which is the
 * mount, which goes with the sandbox's namespace.
 */
static int configure(int loop_fd, int file_fd)
{
	struct loop_config config = {
		.fd = (unsigned)file_fd,
		.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR,
	};

	return ioctl(loop_fd, LOOP_CONFIGURE, &config);
}

static int open_device(int number, struct loop_device *device)
{
	struct stat info;

	(void)snprintf(device->path, sizeof device->path, "/dev/loop%d", number);
	device->fd = open(device->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (device->fd < 0)
		return -1;
	if (fstat(device->fd, &info) == 0 && S_ISBLK(info.st_mode) &&
	    major(info.st_rdev) == LOOP_MAJOR) {
		device->number = info.st_rdev;
		return 0;
	}
	(void)close(device->fd);
	errno = ENODEV;
	return -1;
}

static int attach(int control_fd, int file_fd, struct loop_device *device)
{
	for (int i = 0; i < TRIES_MAX; i++) {
		int number = ioctl(control_fd, LOOP_CTL_GET_FREE);
		int error_number;

		if (number < 0 || open_device(number, device) < 0)
			return -1;
		if (configure(device->fd, file_fd) == 0)
			return 0;
		error_number = errno;
		(void)close(device->fd);
		errno = error_number;
		if (errno != EBUSY)
			return -1;
	}
	return -1;
}

static enum fault_code find_device(int file_fd, struct loop_device *device, struct fault *fault)
{
	int control_fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int result = control_fd < 0 ? -1 : attach(control_fd, file_fd, device);
	int error_number = errno;

	(void)close(control_fd);
	if (result == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_HOST_LACKS, error_number, PATH,
			       "no loop device to mount the image from: the kernel needs "
			       "CONFIG_BLK_DEV_LOOP (modprobe loop), and /dev/loop-control must be "
			       "here");
}

/* What is mounted must come from our device, whatever /dev/loopN led the kernel to. */
static bool comes_from(int mount_fd, dev_t number)
{
	struct stat info;

	return fstat(mount_fd, &info) == 0 && info.st_dev == number;
}

enum fault_code rootfs_mount_image(int file_fd, const char *type, int *mount_fd,
				   struct fault *fault)
{
	struct loop_device device;
	/* noload: an ext4 journal is not replayed, which would be writing. */
	const struct mount_option options[] = {
		{"source", device.path}, {"ro", NULL}, {"noload", NULL}};
	size_t count = strcmp(type, "ext4") == 0 ? 3 : 2;
	enum fault_code code = find_device(file_fd, &device, fault);

	if (code != FAULT_NONE)
		return code;
	*mount_fd = mount_new(type, options, count, CLOSED);
	int error_number = errno;

	/* The mount is the device's only user from here. */
	(void)close(device.fd);
	if (*mount_fd >= 0 && comes_from(*mount_fd, device.number))
		return FAULT_NONE;
	if (*mount_fd >= 0)
		error_number = ESTALE;
	(void)close(*mount_fd);
	*mount_fd = -1;
	if (error_number == ENODEV)
		return fault_set(fault, FAULT_HOST_LACKS, PATH,
				 "this kernel has no %s: load the module (modprobe %s), or make "
				 "the image with a file system it has (/proc/filesystems)",
				 type, type);
	return fault_set_errno(fault, CODE, error_number, PATH,
			       "the kernel does not mount the image as %s", type);
}
