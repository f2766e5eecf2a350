/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/jail/netspace.h"

#include "ipc/runid.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.jail.netns"
#define OWN  "/proc/self/ns/net"

enum fault_code netspace_check(int fd, struct fault *fault)
{
	struct stat own, theirs;

	if (fd < 0)
		return FAULT_NONE;
	if (stat(OWN, &own) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot look at " OWN);
	/* ENOTTY: it is something else (ioctl_ns(2)). */
	if (ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET && fstat(fd, &theirs) == 0 &&
	    (theirs.st_dev != own.st_dev || theirs.st_ino != own.st_ino))
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH, "what came is no network namespace, or the host's own");
}

/*
 * Safe: each directory on the way to the file is root's alone (base.h), and it is made new. What the
 * host takes away is taken away here as well (MS_SLAVE), and nothing mounted here is seen there.
 */
int netspace_mount(const struct place *place, int fd)
{
	char from[64], to[sizeof NETSPACE_PATH + RUNID_MAX];
	int file_fd;

	if (fd < 0)
		return 0;
	file_fd = openat(place->id_fd, NETSPACE_NAME,
			 O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (file_fd < 0)
		return -1;
	(void)close(file_fd);
	(void)snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
	(void)snprintf(to, sizeof to, NETSPACE_PATH, place->id);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return -1;
	return mount(from, to, NULL, MS_BIND, NULL);
}
