/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIFF_VISIBLE_H
#define DIFF_VISIBLE_H

#include "ipc/buf.h"

#include <stddef.h>

/*
 * A stranger's bytes for a terminal: everything a terminal could take for an order comes out as
 * \xNN. Kept are line feeds, tabs, printable ASCII and well-formed UTF-8 without the controls
 * U+0080 to U+009F.
 */
struct visible {
	char tail[4]; /* the start of a character whose rest is still to come */
	size_t tail_len;
};

/* Append the visible form of data to out; what is cut at its end waits for the next call. */
void visible_append(struct visible *visible, const char *data, size_t len, struct buf *out);

/* Append what still waits. */
void visible_end(struct visible *visible, struct buf *out);

#endif
