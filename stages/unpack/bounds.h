/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNPACK_BOUNDS_H
#define UNPACK_BOUNDS_H

#include <stdint.h>

/*
 * What one image may come to. A layer of a few kilobytes can unpack to any size, so what counts is
 * what comes out.
 */
#define BOUNDS_BYTES   ((uint64_t)8 << 30)
#define BOUNDS_ENTRIES 1000000
#define BOUNDS_LAYERS  128
#define BOUNDS_DEPTH   100 /* components of a path */
#define BOUNDS_PATH    4096

struct bounds {
	uint64_t bytes;	  /* of all layers decompressed, and of all files, holes included */
	uint64_t entries; /* of all archives */
};

/* What has come so far, in the pass that writes. */
struct tally {
	uint64_t bytes, entries, skipped;
	uint64_t content; /* bytes of the archives themselves */
};

#endif
