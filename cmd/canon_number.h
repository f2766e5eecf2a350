/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CANON_NUMBER_H
#define CMD_CANON_NUMBER_H

struct buf;

/*
 * Append a finite double the way ECMAScript prints it (ECMA-262, Number::toString, radix 10), which
 * is what RFC 8785 section 3.2.2.3 asks for: the shortest digits that read back as the same
 * double, of those the closest; -0 as 0.
 */
void canon_number_write(struct buf *out, double value);

#endif
