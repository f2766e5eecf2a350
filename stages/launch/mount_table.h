/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_MOUNT_TABLE_H
#define LAUNCH_MOUNT_TABLE_H

#include "stages/launch/mountinfo.h"

#include <stddef.h>

/*
 * The mounts of a mount namespace, as the kernel lists them: parents before what is mounted in
 * them. init reads its own once, before the first mount of the host's comes in; nobody else changes
 * that namespace.
 */
struct mount_table {
	char *text;
	struct mountinfo *mounts; /* point into text */
	size_t count;
};

/* proc_fd: of a procfs of ours. 0, or -1 with errno (EBADMSG: not understood). */
int mount_table_read(struct mount_table *table, int proc_fd) __attribute__((warn_unused_result));
void mount_table_release(struct mount_table *table);

/* The mount fd is on; NULL with errno when it is none of these. */
const struct mountinfo *mount_table_of(const struct mount_table *table, int fd);

#endif
