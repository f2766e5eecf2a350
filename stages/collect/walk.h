/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECT_WALK_H
#define COLLECT_WALK_H

#include "ipc/fault.h"
#include "stages/collect/entry.h"
#include "stages/collect/plan.h"

#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * One output of the policy, walked in byte order of names, a directory's content right behind it.
 * Nothing is followed and nothing but regular files and directories is opened. Memory depends on
 * the depth alone, which WALK_DEPTH_MAX bounds.
 */
#define WALK_DEPTH_MAX	 64   /* directories below an output, each within the other */
#define WALK_PATH_MAX	 3840 /* bytes of a path relative to the work directory */
#define WALK_REASONS_MAX 16

enum walk_status {
	WALK_COLLECTED,
	WALK_MISSING,
	WALK_REFUSED, /* something in it is of a kind that is not taken */
	WALK_LIMIT,   /* maxBytes or maxFiles: nothing behind that point was looked at */
	WALK_FAILED,
	WALK_STATUS_COUNT
};

struct walk_tally {
	enum walk_status status;
	uint64_t entries; /* sent to sr-deposit: lines of the manifest */
	uint64_t files, bytes, refused;
};

struct walk {
	int tree_fd;
	struct entry_sink sink;
	struct json_object *reasons; /* array of {"output","path","reason"} */
};

/*
 * Walk output index of the plan. What is wrong with the tree is in *tally and walk->reasons; a
 * fault is a store that takes no more.
 */
enum fault_code walk_output(struct walk *walk, const struct collect_plan *plan, size_t index,
			    struct walk_tally *tally, struct fault *fault)
	__attribute__((warn_unused_result));

const char *walk_status_name(enum walk_status status);

#endif
