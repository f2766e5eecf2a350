/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/sort.h"

#include <stdlib.h>
#include <string.h>

/* A heap with the greatest item at the root (heapsort, Williams 1964). */
struct heap {
	char *items;
	size_t item_size;
	sort_compare_fn *compare;
	void *context;
};

static char *item(const struct heap *heap, size_t index)
{
	return heap->items + index * heap->item_size;
}

static void swap(const struct heap *heap, size_t left, size_t right)
{
	char held[SORT_ITEM_MAX];

	memcpy(held, item(heap, left), heap->item_size);
	memcpy(item(heap, left), item(heap, right), heap->item_size);
	memcpy(item(heap, right), held, heap->item_size);
}

/* Let the item at index sink until none below it is greater. */
static void sink(const struct heap *heap, size_t index, size_t count)
{
	for (size_t child = 2 * index + 1; child < count; child = 2 * index + 1) {
		if (child + 1 < count &&
		    heap->compare(item(heap, child), item(heap, child + 1), heap->context) < 0)
			child++;
		if (heap->compare(item(heap, index), item(heap, child), heap->context) >= 0)
			return;
		swap(heap, index, child);
		index = child;
	}
}

void sort_items(void *items, size_t count, size_t item_size, sort_compare_fn *compare,
		void *context)
{
	const struct heap heap = {items, item_size, compare, context};

	if (item_size > SORT_ITEM_MAX)
		abort();
	for (size_t index = count / 2; index > 0; index--)
		sink(&heap, index - 1, count);
	for (size_t last = count; last > 1; last--) {
		swap(&heap, 0, last - 1);
		sink(&heap, 0, last - 1);
	}
}
