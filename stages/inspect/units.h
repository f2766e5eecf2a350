/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INSPECT_UNITS_H
#define INSPECT_UNITS_H

#include "ipc/buf.h"

#include <stddef.h>
#include <stdint.h>

/* Numbers as people read them. Plain ASCII, of no more than UNITS_SIZE bytes. */
#define UNITS_SIZE 32

/* "0 B", "512 B", "1.5 KiB", "105.2 MiB": powers of 1024, a tenth cut, never rounded up. */
void units_bytes(uint64_t bytes, char out[UNITS_SIZE]);
/* "0.004 s", "3.226 s", "2 min 05 s", "1 h 02 min". */
void units_duration(uint64_t ns, char out[UNITS_SIZE]);
/* Seconds since the start: "+0.004", "+3661.250". */
void units_offset(uint64_t ns, char out[UNITS_SIZE]);
/* Thousandths of a processor as "0.43". */
void units_cpus(uint64_t thousandths, char out[UNITS_SIZE]);

#endif
