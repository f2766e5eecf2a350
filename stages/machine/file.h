/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MACHINE_FILE_H
#define MACHINE_FILE_H

#include "ipc/fault.h"

#include <stdbool.h>

struct json_object;

/* Everything a machine starts from fits below this; a sparse file of a terabyte does not. */
#define MACHINE_FILE_MAX ((uint64_t)64 << 30)

/*
 * One regular file: {"bytes","changedNs","device","hash","inode","modifiedNs"}, the hash through
 * this descriptor, the times (ctime and mtime) as they were before and after it. what is the place
 * of faults. Not hashed, it is not read either, and "hash" is null. The caller owns *record.
 */
enum fault_code file_describe(int fd, const char *what, bool hashed, struct json_object **record,
			      struct fault *fault) __attribute__((warn_unused_result));

/* The same of a root, with "format": "erofs", "ext4" or "squashfs" by its first bytes. */
enum fault_code file_describe_root(int fd, const char *what, bool hashed,
				   struct json_object **record, struct fault *fault)
	__attribute__((warn_unused_result));

/* The same of a VMM, with the "version" that QEMU and Firecracker carry in them, or null. */
enum fault_code file_describe_vmm(int fd, const char *what, bool hashed,
				  struct json_object **record, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
