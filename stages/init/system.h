/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INIT_SYSTEM_H
#define INIT_SYSTEM_H

#include "ipc/fault.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The guest as a machine: what has to be there before a command can be sandboxed in it.
 * Every step is Linux 6.1 or newer; the initramfs is ours (sr-artifact(1)).
 */

/*
 * A tmpfs as the root, with /dev (devtmpfs), /proc, /sys and cgroup version 2 in it: the kernel
 * never lets the initramfs be pivoted away (pivot_root(2)), and the sandbox pivots.
 */
enum fault_code system_mount(struct fault *fault) __attribute__((warn_unused_result));

/*
 * Load the modules named in /modules/order of the initramfs, one file name a line, dependencies
 * first (finit_module(2)). Before system_mount. One that the kernel has built in is passed over.
 */
enum fault_code system_modules(struct fault *fault) __attribute__((warn_unused_result));

/* Wall clock in nanoseconds since the epoch, and 32 bytes of the host's randomness, credited. */
enum fault_code system_clock(uint64_t wall_ns, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code system_seed(const uint8_t *seed, size_t len, struct fault *fault)
	__attribute__((warn_unused_result));

/* The end of the machine, and with it of the VMM: QEMU runs with -no-reboot. */
_Noreturn void system_end(void);

#endif
