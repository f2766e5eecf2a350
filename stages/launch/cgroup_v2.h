/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_CGROUP_V2_H
#define LAUNCH_CGROUP_V2_H

#include "stages/launch/cgroup.h"
#include "stages/launch/cgroup_limit.h"

#include <stdbool.h>

/*
 * cgroup version 2 (Documentation/admin-guide/cgroup-v2.rst): one tree, and a cgroup that holds
 * processes has no controllers to give its children, the root excepted. We hold processes:
 * ourselves and whoever started us. So the run's cgroup goes below ours where ours already gives
 * them, else beside ours. Nobody else is ever moved.
 */
#define CGROUP_V2_CPU	 1U
#define CGROUP_V2_MEMORY 2U
#define CGROUP_V2_PIDS	 4U
#define CGROUP_V2_ALL	 (CGROUP_V2_CPU | CGROUP_V2_MEMORY | CGROUP_V2_PIDS)

/* One level of the tree as a place to make a child in. */
struct cgroup_v2_level {
	bool visible;
	bool is_root;	    /* the tree's real root: no "cgroup.type"; a namespace's root has one */
	unsigned available; /* cgroup.controllers */
	unsigned given;	    /* cgroup.subtree_control */
};

enum cgroup_v2_spot { CGROUP_V2_BELOW, CGROUP_V2_BESIDE, CGROUP_V2_NOWHERE };

/* Where controllers can be had. Pure. */
enum cgroup_v2_spot cgroup_v2_choose(const struct cgroup_v2_level *own,
				     const struct cgroup_v2_level *parent, unsigned controllers);

/* The controllers a space-separated list names. Pure. */
unsigned cgroup_v2_controllers(const char *list);

/* What our own cgroup is held to, from the texts of its files; 0 is no limit. */
struct cgroup_v2_own_limits {
	uint64_t memory_max; /* the lower of memory.max and memory.high */
	uint64_t pids_max;
	struct cgroup_bandwidth cpu;
};

/* The tighter of both, limit by limit; tightened[clause] tells which came from own. Pure. */
struct cgroup_limits cgroup_v2_tighten(const struct cgroup_limits *limits,
				       const struct cgroup_v2_own_limits *own,
				       bool tightened[CGROUP_CLAUSE_COUNT]);

/* "max" and "quota period" of cpu.max. Pure; false when text is neither. */
bool cgroup_v2_bandwidth_parse(const char *text, struct cgroup_bandwidth *bandwidth);

/*
 * Make the run's cgroup and limit it. False with the reason when there is no place for it; a limit
 * that could not be set is told in its clause.
 */
bool cgroup_v2_create(struct cgroup *cgroup, const struct cgroup_layout *layout,
		      const struct cgroup_limits *limits, char *reason, size_t size)
	__attribute__((warn_unused_result));

#endif
