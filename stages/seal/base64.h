/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_BASE64_H
#define SEAL_BASE64_H

#include "ipc/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Base64 (RFC 4648), read as strictly as it is written: padded, no white space, no bits behind the
 * last byte, so that bytes have one spelling in each alphabet. Written in the standard alphabet
 * (section 4); the URL-safe one (section 5) is read too, as DSSE asks for, but never a mix of both.
 */

/* Bytes that decode from len characters at most. */
#define BASE64_DECODED_MAX(len) ((len) / 4 * 3)

void base64_append(struct buf *out, const void *data, size_t len);

/*
 * Decode text[0..len) into out[0..size); *out_len is how many bytes came. False when the text is
 * anything but base64, or its bytes do not fit.
 */
bool base64_decode(const char *text, size_t len, uint8_t *out, size_t size, size_t *out_len)
	__attribute__((warn_unused_result));

#endif
