/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GUEST_CARGO_FORMAT_H
#define GUEST_CARGO_FORMAT_H

/*
 * The outputs stream, from the guest's sr-init to sr-guest (safe-run-ipc(7)): canonical lines, each
 * of them an entry, or the place of the data that follows it.
 *
 *   {"mode":"0755","path":"d","type":"directory"}
 *   {"mode":"0644","path":"d/f","size":7,"type":"file"}
 *   {"bytes":7,"offset":0,"type":"data"}      and 7 bytes, 1 to CARGO_DATA_MAX
 *   {"path":"l","target":"f","type":"symlink"}
 *   {"mode":"0600","path":"p","type":"fifo"}  or "socket"
 *   {"entries":4,"type":"end"}                the last line
 *
 * Data belongs to the file before it and goes forward; what no data covers is a hole. Paths are
 * relative to the work directory, escaped as everywhere (object_add_escaped).
 */
#define CARGO_LINE_MAX	(64 << 10)
#define CARGO_DATA_MAX	(64 << 10)
#define CARGO_DEPTH_MAX 66 /* two more than sr-collect looks at, so that it sees there is more */

#endif
