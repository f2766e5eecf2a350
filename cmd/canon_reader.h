/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CANON_READER_H
#define CMD_CANON_READER_H

#include "ipc/buf.h"
#include "ipc/fault.h"

#include <stddef.h>

/*
 * Any JSON into its canonical form, all of RFC 8785: doubles, names in any script sorted by UTF-16
 * code unit, U+0000. (ipc/canon.h is the subset our own records keep to.)
 *
 * The reader is strict where json-c is not: RFC 8259 to the letter, and of I-JSON (RFC 7493) no
 * duplicate names, no lone surrogates, only valid UTF-8, no byte order mark, no number beyond a
 * double's range. At most CANON_READER_DEPTH_MAX containers inside each other.
 */
#define CANON_READER_DEPTH_MAX 512

/*
 * text[0..len), followed by a NUL byte, holds one JSON value; its canonical form goes behind what
 * out has. FAULT_REPORT_CANONICAL (SR-EVD-306) with the byte where it stops being one.
 */
enum fault_code canon_reader_write(const char *text, size_t len, struct buf *out,
				   struct fault *fault) __attribute__((warn_unused_result));

#endif
