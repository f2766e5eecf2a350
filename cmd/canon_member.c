/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/canon_member.h"

#include "cmd/canon_text.h"
#include "ipc/sort.h"

#include <stdlib.h>
#include <string.h>

struct canon_member {
	size_t name, name_len;	 /* in names */
	size_t piece, piece_len; /* in the output */
};

void canon_members_init(struct canon_members *members, size_t max_len)
{
	/* A member takes at least five bytes of input: "":0 and a comma. */
	buf_init(&members->items,
		 max_len / 5 * sizeof(struct canon_member) + sizeof(struct canon_member));
	buf_init(&members->names, max_len + 1);
	buf_init(&members->ordered, SIZE_MAX);
	/* Never null pointers, without a member or with empty names neither. */
	if (!buf_reserve(&members->items, sizeof(struct canon_member)) ||
	    !buf_reserve(&members->names, 1))
		buf_no_memory();
}

void canon_members_release(struct canon_members *members)
{
	buf_release(&members->items);
	buf_release(&members->names);
	buf_release(&members->ordered);
}

struct canon_mark canon_members_open(const struct canon_members *members)
{
	return (struct canon_mark){members->items.len, members->names.len};
}

void canon_members_begin(struct canon_members *members, const char *name, size_t len, size_t piece)
{
	struct canon_member member = {members->names.len, len, piece, 0};

	buf_append(&members->names, name, len);
	buf_append(&members->items, &member, sizeof(member));
}

void canon_members_end(struct canon_members *members, const struct buf *out)
{
	char *last = members->items.data + members->items.len - sizeof(struct canon_member);
	struct canon_member member;

	memcpy(&member, last, sizeof(member));
	member.piece_len = out->len - member.piece;
	memcpy(last, &member, sizeof(member));
}

static int compare(const void *left, const void *right, void *names)
{
	const struct canon_member *a = left, *b = right;

	return canon_text_compare((const char *)names + a->name, a->name_len,
				  (const char *)names + b->name, b->name_len);
}

/* Sorted already is the usual case: then nothing moves. */
static bool in_order(const struct canon_member *items, size_t count, char *names)
{
	for (size_t i = 1; i < count; i++)
		if (compare(&items[i - 1], &items[i], names) >= 0)
			return false;
	return true;
}

static void rewrite(struct canon_members *members, const struct canon_member *items, size_t count,
		    size_t first, struct buf *out)
{
	buf_clear(&members->ordered);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_append(&members->ordered, ",", 1);
		buf_append(&members->ordered, out->data + items[i].piece, items[i].piece_len);
	}
	memcpy(out->data + first, members->ordered.data, members->ordered.len);
}

bool canon_members_close(struct canon_members *members, struct canon_mark mark, struct buf *out)
{
	/* The allocation starts aligned, and a mark is a multiple of the item's size. */
	struct canon_member *items =
		(struct canon_member *)(void *)(members->items.data + mark.items_len);
	size_t count = (members->items.len - mark.items_len) / sizeof(*items);
	bool distinct = true;

	if (count > 1 && !in_order(items, count, members->names.data)) {
		size_t first = items[0].piece;

		sort_items(items, count, sizeof(*items), compare, members->names.data);
		distinct = in_order(items, count, members->names.data);
		rewrite(members, items, count, first, out);
	}
	members->items.len = mark.items_len;
	members->names.len = mark.names_len;
	return distinct;
}
