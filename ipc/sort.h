/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_SORT_H
#define IPC_SORT_H

#include <stddef.h>

/*
 * Sort count items of item_size bytes in place (at most SORT_ITEM_MAX), least first; equal items in
 * any order. compare is as for qsort_r(3).
 *
 * Not qsort(3): above a kilobyte glibc 2.36's allocates, and asks sysinfo(2) how much it may, which
 * no confined stage is allowed to.
 */
#define SORT_ITEM_MAX 64

typedef int sort_compare_fn(const void *left, const void *right, void *context);

void sort_items(void *items, size_t count, size_t item_size, sort_compare_fn *compare,
		void *context);

#endif
