/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/recovery.h"

#include "stages/archive/body.h"
#include "stages/archive/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The last whole line; false when there is none or it is no leaf. */
static bool last_leaf(const struct archive *archive, struct leaf *leaf)
{
	uint64_t from =
		archive->leaves.len > LEAF_LEN_MAX + 2 ? archive->leaves.len - LEAF_LEN_MAX - 2 : 0;
	size_t len = (size_t)(archive->leaves.len - from);
	char text[LEAF_LEN_MAX + 2];
	struct fault fault;
	const char *start;

	if (len == 0 || pread(archive->leaves.fd, text, len, (off_t)from) != (ssize_t)len)
		return false;
	len--; /* its LF */
	start = memrchr(text, '\n', len);
	start = start == NULL ? text : start + 1;
	return leaf_read((struct span){start, len - (size_t)(start - text)}, leaf, &fault) ==
	       FAULT_NONE;
}

static bool same_body(const struct leaf_body *one, const struct leaf_body *other)
{
	return one->len == other->len && memcmp(one->hash, other->hash, DIGEST_SIZE) == 0;
}

/*
 * A body waits only between its being written and its getting its name, and its leaf was written in
 * between: it belongs to the last leaf or to none.
 */
static enum fault_code recover_body(struct archive *archive, enum body_kind kind,
				    struct fault *fault)
{
	struct leaf_body waiting;
	struct leaf leaf;
	bool waits, last, wanted = false;

	if (body_waiting(archive->bodies_fd, kind, &waits, &waiting, fault) != FAULT_NONE)
		return fault->code;
	if (!waits)
		return FAULT_NONE;
	last = last_leaf(archive, &leaf);
	switch (kind) {
	case BODY_REPORT:
		wanted = last && same_body(&waiting, &leaf.report);
		break;
	case BODY_SIGNATURE:
		wanted = last && leaf.is_signed && same_body(&waiting, &leaf.signature);
		break;
	case BODY_KIND_COUNT:
		abort();
	}
	if (!wanted)
		return body_discard(archive->bodies_fd, kind, fault);
	if (body_settle(archive->bodies_fd, kind, &waiting, fault) != FAULT_NONE)
		return fault->code;
	return file_sync_directory(archive->bodies_fd, BODY_DIRECTORY, fault);
}

enum fault_code recovery_run(struct archive *archive, struct fault *fault)
{
	enum fault_code code = ledger_repair(&archive->leaves, fault);

	if (code == FAULT_NONE)
		code = ledger_repair(&archive->prunes, fault);
	for (enum body_kind kind = 0; kind < BODY_KIND_COUNT && code == FAULT_NONE; kind++)
		code = recover_body(archive, kind, fault);
	return code;
}
