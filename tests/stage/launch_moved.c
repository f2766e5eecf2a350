/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linked into sr-launch in place of its mount_name (ld --wrap): a source that is moved between
 * being opened and being asked where it is, which no test could time from outside.
 */
#include "stages/launch/mount.h"

#include <string.h>

int __real_mount_name(int proc_fd, int fd, char *out, size_t size);
int __wrap_mount_name(int proc_fd, int fd, char *out, size_t size);

int __wrap_mount_name(int proc_fd, int fd, char *out, size_t size)
{
	int result = __real_mount_name(proc_fd, fd, out, size);

	if (result == 0 && strlen(out) + sizeof ".moved" <= size)
		(void)strcat(out, ".moved");
	return result;
}
