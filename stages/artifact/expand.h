/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARTIFACT_EXPAND_H
#define ARTIFACT_EXPAND_H

#include "ipc/fault.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Decompression of what a kernel is packed with: gzip, xz, zstd, lz4 in the kernel's own framing, told apart by their first bytes
 * (RFC 1952, xz-file-format, RFC 8878, lz4's "legacy frame"). What follows the compressed stream is passed over: kernels
 * have their unpacked size there.
 */
enum expand_kind { EXPAND_NONE, EXPAND_GZIP, EXPAND_XZ, EXPAND_ZSTD, EXPAND_LZ4 };

enum expand_kind expand_identify(const uint8_t *data, size_t len);

/* *out is the caller's to free; more than max bytes are a fault. name is for messages. */
enum fault_code expand(const uint8_t *data, size_t len, const char *name, size_t max, uint8_t **out,
		       size_t *out_len, struct fault *fault) __attribute__((warn_unused_result));

#endif
