/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_RUNID_H
#define IPC_RUNID_H

#include <stdbool.h>

/*
 * Run ids: sr-<UTC yyyymmdd-hhmmss>-<8 hex>. Readers accept letters, digits and hyphens, at most
 * RUNID_MAX of them, first one a letter or digit.
 */
#define RUNID_MAX  64
#define RUNID_SIZE (RUNID_MAX + 1)

/* A new id from the clock and getrandom(2); 0, or -1 with errno. */
int runid_make(char out[RUNID_SIZE]) __attribute__((warn_unused_result));
bool runid_valid(const char *text);

#endif
