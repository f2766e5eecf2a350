/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CANON_MEMBER_H
#define CMD_CANON_MEMBER_H

#include "ipc/buf.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The members of the objects that are open, the innermost last. Each is a piece of the output
 * ("name":value, without commas) that is written as it is read and put in order when its object
 * closes; no tree of the document is kept.
 */
struct canon_members {
	struct buf items;   /* struct canon_member */
	struct buf names;   /* decoded, one behind the other */
	struct buf ordered; /* scratch */
};

/* Where one object's members begin. */
struct canon_mark {
	size_t items_len;
	size_t names_len;
};

void canon_members_init(struct canon_members *members, size_t max_len);
void canon_members_release(struct canon_members *members);

struct canon_mark canon_members_open(const struct canon_members *members);
/* The name of a member whose piece begins at that byte of the output. */
void canon_members_begin(struct canon_members *members, const char *name, size_t len, size_t piece);
/* The piece of that member ends at out->len; members opened since must be closed. */
void canon_members_end(struct canon_members *members, const struct buf *out);
/* Put the pieces since mark in order, with commas. false: two have the same name. */
bool canon_members_close(struct canon_members *members, struct canon_mark mark, struct buf *out);

#endif
