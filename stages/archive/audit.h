/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_AUDIT_H
#define ARCHIVE_AUDIT_H

#include "stages/archive/archive.h"
#include "stages/archive/archive_key.h"
#include "stages/archive/references.h"
#include "stages/verify/checklist.h"
#include "stages/verify/inclusion.h"
#include "stages/verify/keyring.h"

#include <stdbool.h>

/*
 * Everything an archive claims, held against what it is: leaves against the checkpoint, the
 * checkpoint against keys and an older one, bodies against leaves. The index plays no part in it.
 */
enum audit_check {
	AUDIT_LEAVES,	  /* every line a leaf, none twice */
	AUDIT_CHECKPOINT, /* there is one, as the format says, of this archive */
	AUDIT_ROOT,	  /* its root is that of the leaves it covers */
	AUDIT_COVERED,	  /* it covers all of them */
	AUDIT_BODIES,	  /* every body is there until its time comes, unchanged */
	AUDIT_STRAYS,	  /* no body without a leaf */
	AUDIT_PRUNES,	  /* nothing was pruned before its time */
	AUDIT_SIGNATURE,  /* asked for with a key */
	AUDIT_SINCE,	  /* asked for with an older checkpoint */
	AUDIT_CHECK_COUNT
};

struct audit {
	struct archive *archive;
	struct checklist list;
	uint64_t now;
	inclusion_hash *hashes; /* of the leaves; owned */
	size_t count, capacity;
	char stored_at[EVENT_TIMESTAMP_SIZE]; /* of the last leaf: the checkpoint is no older */
	struct references bodies;
	struct references bundles; /* the hash in each bundle id, to find leaves that stand twice */
	struct buf checkpoint_text;
	struct note checkpoint; /* borrows from checkpoint_text */
	bool has_checkpoint;
	uint64_t bodies_len;   /* bytes that were hashed */
	const char *signed_by; /* key id, or NULL */
};

/*
 * Whose checkpoints count: the keys that were named, or, without any, those of trust directories.
 * What the directories say of a key's limits and of a revocation holds for one that was named too.
 */
struct audit_keys {
	const struct key_public *named;
	size_t count;
	const struct keyring *trusted; /* NULL: no directory was named */
};

/* Memory for an audit of an open archive; audit_release it. */
void audit_init(struct audit *audit, struct archive *archive);
void audit_release(struct audit *audit);

/* The checks that need nothing else. A fault only where the system failed us. */
enum fault_code audit_leaves(struct audit *audit, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code audit_checkpoint(struct audit *audit, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code audit_bodies(struct audit *audit, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code audit_prunes(struct audit *audit, struct fault *fault)
	__attribute__((warn_unused_result));

/* The origin the caller expects; against the keys, of which there are some; against an older
 * checkpoint's bytes. */
void audit_origin(struct audit *audit, const char *origin);
void audit_signature(struct audit *audit, const struct audit_keys *keys);
void audit_since(struct audit *audit, struct span older, const struct audit_keys *keys);

#endif
