/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/sort.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *left, const void *right, void *calls)
{
	int a, b;

	memcpy(&a, left, sizeof(a));
	memcpy(&b, right, sizeof(b));
	++*(size_t *)calls;
	return (a > b) - (a < b);
}

static int compare_for_library(const void *left, const void *right)
{
	size_t calls = 0;

	return compare(left, right, &calls);
}

Test(ipc_sort, sorts_any_order_of_any_length)
{
	static int items[2000], expected[2000];
	unsigned seed = 1;

	for (size_t count = 0; count <= 2000; count += count < 40 ? 1 : 97) {
		for (int shape = 0; shape < 4; shape++) {
			size_t calls = 0;

			for (size_t i = 0; i < count; i++) {
				seed = seed * 1103515245 + 12345;
				items[i] = shape == 0	? (int)i
					   : shape == 1 ? -(int)i
					   : shape == 2 ? (int)(seed >> 16)
							: (int)(seed >> 16) % 3;
			}
			memcpy(expected, items, sizeof(items));
			qsort(expected, count, sizeof(*expected), compare_for_library);
			sort_items(items, count, sizeof(*items), compare, &calls);
			cr_assert_eq(memcmp(items, expected, count * sizeof(*items)), 0,
				     "%zu items, shape %d", count, shape);
			/* Twice the logarithm for each item: no input makes it slow. */
			cr_assert_leq(calls, count * 24);
		}
	}
}

Test(ipc_sort, refuses_items_it_cannot_hold, .signal = 6)
{
	char items[2][SORT_ITEM_MAX + 1] = {{0}};

	sort_items(items, 2, sizeof(items[0]), compare, NULL);
}
