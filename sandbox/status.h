/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SANDBOX_STATUS_H
#define SANDBOX_STATUS_H

#include <stdbool.h>
#include <stdint.h>

/* What the kernel says of a process's confinement: /proc/<pid>/status (proc_pid_status(5)). */
struct sandbox_status {
	uint32_t uid[4]; /* real, effective, saved, file system */
	uint32_t gid[4];
	uint64_t cap_inheritable, cap_permitted, cap_effective, cap_bounding, cap_ambient;
	bool no_new_privs;
	int seccomp_mode;    /* 0 none, 1 strict, 2 filter */
	int seccomp_filters; /* -1 before Linux 5.9 */
};

/* Reads the whole file from an fd opened on it; 0, or -1 with errno (EBADMSG: not understood). */
int sandbox_status_read(int status_fd, struct sandbox_status *status)
	__attribute__((warn_unused_result));

#endif
