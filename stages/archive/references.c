/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/references.h"

#include "ipc/buf.h"
#include "ipc/sort.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct reference) <= SORT_ITEM_MAX, "sort_items takes no larger ones");

void references_add(struct references *references, const struct leaf_body *body, uint64_t ends,
		    uint64_t number)
{
	struct reference *item;

	if (references->count == references->capacity) {
		references->capacity = references->capacity == 0 ? 256 : 2 * references->capacity;
		references->items = reallocarray(references->items, references->capacity,
						 sizeof(references->items[0]));
		if (references->items == NULL)
			buf_no_memory();
	}
	item = &references->items[references->count++];
	*item = (struct reference){.len = body->len, .ends = ends, .number = number};
	memcpy(item->hash, body->hash, DIGEST_SIZE);
}

void references_release(struct references *references)
{
	free(references->items);
	*references = (struct references){.items = NULL};
}

static int compare(const void *left, const void *right, void *context)
{
	const struct reference *one = left, *other = right;
	int order = memcmp(one->hash, other->hash, DIGEST_SIZE);

	(void)context;
	if (order != 0 || one->ends == other->ends)
		return order;
	return one->ends > other->ends ? -1 : 1;
}

void references_sort(struct references *references)
{
	sort_items(references->items, references->count, sizeof(references->items[0]), compare,
		   NULL);
}

const struct reference *references_find(const struct references *references,
					const uint8_t hash[DIGEST_SIZE])
{
	size_t low = 0, high = references->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(references->items[middle].hash, hash, DIGEST_SIZE) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == references->count || memcmp(references->items[low].hash, hash, DIGEST_SIZE) != 0)
		return NULL;
	return &references->items[low];
}
