/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARTIFACT_KERNEL_H
#define ARTIFACT_KERNEL_H

#include "ipc/fault.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A Linux kernel for x86 as a boot loader takes it, bzImage: the kernel's documentation
 * arch/x86/boot.rst has the header. QEMU boots it as it is; Firecracker boots the ELF file in it,
 * vmlinux.
 */
#define KERNEL_MAX	    ((size_t)256 << 20)
#define KERNEL_EXPANDED_MAX ((size_t)1 << 30)
#define KERNEL_RELEASE_MAX  65 /* utsname */

/* "6.1.0-40-cloud-amd64" from the header, NUL-terminated. */
enum fault_code kernel_release(const uint8_t *image, size_t len, char release[KERNEL_RELEASE_MAX],
			       struct fault *fault) __attribute__((warn_unused_result));

/* The ELF file packed in it; the caller frees it. */
enum fault_code kernel_expand(const uint8_t *image, size_t len, uint8_t **vmlinux,
			      size_t *vmlinux_len, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
