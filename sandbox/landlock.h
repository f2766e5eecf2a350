/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SANDBOX_LANDLOCK_H
#define SANDBOX_LANDLOCK_H

#include "sandbox/sandbox.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Landlock (landlock(7), Documentation/userspace-api/landlock.rst). Debian 12's headers know ABI
 * 2 only; later rights are named here with the kernel that brought them.
 */
#define SANDBOX_FS_EXECUTE     (1ULL << 0)
#define SANDBOX_FS_WRITE_FILE  (1ULL << 1)
#define SANDBOX_FS_READ_FILE   (1ULL << 2)
#define SANDBOX_FS_READ_DIR    (1ULL << 3)
#define SANDBOX_FS_REMOVE_DIR  (1ULL << 4)
#define SANDBOX_FS_REMOVE_FILE (1ULL << 5)
#define SANDBOX_FS_MAKE_CHAR   (1ULL << 6)
#define SANDBOX_FS_MAKE_DIR    (1ULL << 7)
#define SANDBOX_FS_MAKE_REG    (1ULL << 8)
#define SANDBOX_FS_MAKE_SOCK   (1ULL << 9)
#define SANDBOX_FS_MAKE_FIFO   (1ULL << 10)
#define SANDBOX_FS_MAKE_BLOCK  (1ULL << 11)
#define SANDBOX_FS_MAKE_SYM    (1ULL << 12)
#define SANDBOX_FS_REFER       (1ULL << 13) /* ABI 2, Linux 5.19 */
#define SANDBOX_FS_TRUNCATE    (1ULL << 14) /* ABI 3, Linux 6.2 */
#define SANDBOX_FS_IOCTL_DEV   (1ULL << 15) /* ABI 5, Linux 6.10 */

struct landlock_report {
	int abi;	      /* what the kernel answered */
	uint64_t handled_fs;  /* rights denied unless a rule gives them */
	uint64_t handled_net; /* bind and connect TCP, ABI 4, Linux 6.7 */
	uint64_t scoped;      /* abstract unix sockets, signals: ABI 6, Linux 6.12 */
};

/* The kernel's ABI; 0 with errno when it has none (ENOSYS, EOPNOTSUPP). */
int landlock_abi(void);

/* Every file system right a kernel of that ABI can deny. */
uint64_t landlock_fs_rights(int abi);

/*
 * Restrict this thread: every right the kernel knows is handled, rules give back what they name.
 * A path that does not exist is an error. 0, or -1 with errno. report may be NULL.
 */
int landlock_restrict(const struct sandbox_path_rule *paths, size_t path_count,
		      const struct sandbox_fd_rule *fds, size_t fd_count,
		      struct landlock_report *report) __attribute__((warn_unused_result));

/* As landlock_restrict, and TCP connections to these ports stay possible where ABI 4 denies them. */
int landlock_restrict_ports(const struct sandbox_path_rule *paths, size_t path_count,
			    const struct sandbox_fd_rule *fds, size_t fd_count,
			    const uint16_t *ports, size_t port_count,
			    struct landlock_report *report) __attribute__((warn_unused_result));

/* The same but for TCP, which is left to a packet filter. */
int landlock_restrict_files(const struct sandbox_path_rule *paths, size_t path_count,
			    const struct sandbox_fd_rule *fds, size_t fd_count,
			    struct landlock_report *report) __attribute__((warn_unused_result));

#endif
