/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JAIL_BASE_H
#define JAIL_BASE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Where jails are: JAIL_BASE/firecracker/<id>/root, as jailer composes it from --chroot-base-dir, the
 * name of --exec-file, and --id. Whoever can write to one of these directories can have jailer write
 * where he wants it to (CVE-2026-1386), so each is root's from / on, and nobody else can write there.
 */
#define JAIL_BASE "/srv/jailer"
#define JAIL_EXEC "firecracker"

/*
 * Open JAIL_BASE/firecracker for reading; with make what is missing below /srv is made (mode 0700). -1
 * with errno, and *bad the path that is missing, not a directory, or somebody else's (EPERM).
 */
int base_open(bool make, char *bad, size_t size) __attribute__((warn_unused_result));

/*
 * What jails share, JAIL_BASE/<name>: made (mode 0700), opened for reading and locked; base_fd is
 * base_open's. -1 with errno; EPERM: it is not root's, or others may read it.
 */
int base_store(int base_fd, const char *name) __attribute__((warn_unused_result));

#endif
