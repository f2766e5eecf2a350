/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TREE_OWNERS_H
#define TREE_OWNERS_H

#include "ipc/fault.h"
#include "stages/seal/digest.h"
#include "stages/tree/manifest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Whose the files of a tree are once they are in an image: what a run in process isolation shows.
 * There root's runs see the numbers as they are, and an ordinary user's run sees the caller's own
 * as its own and everybody else's as the kernel's overflow id. A group the caller is in counts as
 * his: its bits are what lets the workload in there too.
 *
 * A manifest has no owners in it (manifest.h), so an image that shows them needs their hash beside
 * its own: of "uid gid" and a NUL for each entry, in the order of the walk.
 */
enum owners_rule {
	OWNERS_ONE,  /* all to uid and gid */
	OWNERS_KEPT, /* as they are */
	OWNERS_OWN,  /* the caller's to uid and gid, all others to OWNERS_OTHER */
	OWNERS_RULE_COUNT
};

#define OWNERS_OTHER	 65534 /* DEFAULT_OVERFLOWUID, include/linux/highuid.h */
#define OWNERS_GROUP_MAX 256   /* of the caller; what is beyond them is others' */

struct owners {
	enum owners_rule rule;
	uint32_t uid, gid;
	uid_t caller;
	gid_t groups[OWNERS_GROUP_MAX];
	size_t group_count;
	struct digest *digest;
};

/* "one", "kept" or "own"; false when there is none of that name. */
bool owners_parse(const char *text, enum owners_rule *out) __attribute__((warn_unused_result));

/* Asks the kernel who calls: before confinement. digest comes with owners_begin. */
int owners_init(struct owners *owners, enum owners_rule rule, uint32_t uid, uint32_t gid)
	__attribute__((warn_unused_result));
void owners_begin(struct owners *owners);

void owners_map(const struct owners *owners, const struct stat *info, uint32_t *uid, uint32_t *gid);

/* A step of manifest_make into the running hash: one entry for each line of the manifest. */
void owners_add(struct owners *owners, enum manifest_step step, const struct stat *info);
/* As a manifest_visitor's; context is the owners. */
enum fault_code owners_visit(void *context, enum manifest_step step, const struct stat *info,
			     const void *data, size_t len, struct fault *fault)
	__attribute__((warn_unused_result));

/* The hash, and the end of it. */
void owners_end(struct owners *owners, char hash[DIGEST_TEXT_SIZE]);

#endif
