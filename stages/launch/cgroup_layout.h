/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_CGROUP_LAYOUT_H
#define LAUNCH_CGROUP_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Where this process stands in each cgroup hierarchy (cgroups(7), proc_pid_mountinfo(5)). Pure:
 * text in, places out.
 */
enum cgroup_hierarchy {
	CGROUP_CPU, /* the five controllers as version 1 mounts them, one by one or together */
	CGROUP_CPUACCT,
	CGROUP_FREEZER,
	CGROUP_MEMORY,
	CGROUP_PIDS,
	CGROUP_UNIFIED, /* version 2 */
	CGROUP_HIERARCHY_COUNT
};

enum cgroup_mode {
	CGROUP_MODE_NONE,
	CGROUP_MODE_V1,
	CGROUP_MODE_V2,
	CGROUP_MODE_HYBRID, /* controllers on version 1, and a version 2 mount beside them */
	CGROUP_MODE_COUNT
};

#define CGROUP_ROOT	 "/sys/fs/cgroup"
#define CGROUP_PATH_SIZE 1024

struct cgroup_place {
	bool visible; /* mounted below CGROUP_ROOT, and our own cgroup below the mount */
	char own[CGROUP_PATH_SIZE]; /* our own cgroup, relative to CGROUP_ROOT; "." is CGROUP_ROOT
				     */
	size_t mount_len;	    /* how much of own is the mount point: no parent is above it */
};

struct cgroup_layout {
	struct cgroup_place places[CGROUP_HIERARCHY_COUNT];
	bool on_v1[CGROUP_HIERARCHY_COUNT]; /* version 1 owns it, visible or not: version 2 cannot
					     */
};

/* "cpu", ..., "unified"; "none", "v1", "v2", "hybrid". */
const char *cgroup_hierarchy_name(enum cgroup_hierarchy hierarchy);
const char *cgroup_mode_name(enum cgroup_mode mode);

/*
 * mountinfo and self_cgroup are the texts of /proc/self/mountinfo and /proc/self/cgroup. What
 * cannot be understood or addressed (a path with "..", one cut off by a namespace, one with bytes
 * that are not printable ASCII, a deleted cgroup) leaves its hierarchy not visible.
 */
void cgroup_layout_parse(const char *mountinfo, const char *self_cgroup,
			 struct cgroup_layout *layout);

/* The mode a host offers: version 2 alone counts as v2 whatever controllers it has. */
enum cgroup_mode cgroup_layout_mode(const struct cgroup_layout *layout);

/*
 * Whether path is a relative path this module may follow: components of printable ASCII, none of
 * them empty, "." or "..", shorter than CGROUP_PATH_SIZE.
 */
bool cgroup_path_valid(const char *path);

/* "<base>/<name>" into out, without a leading "./"; false when it does not fit. */
bool cgroup_path_join(const char *base, const char *name, char out[CGROUP_PATH_SIZE])
	__attribute__((warn_unused_result));

#endif
