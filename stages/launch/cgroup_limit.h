/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_CGROUP_LIMIT_H
#define LAUNCH_CGROUP_LIMIT_H

#include "stages/launch/cgroup_clause.h"

#include <stdbool.h>
#include <stdint.h>

/* What limiting a new cgroup takes, in version 1 and 2 alike. */

/* How an answer may differ from what was written. */
enum cgroup_match {
	CGROUP_MATCH_EXACT,
	CGROUP_MATCH_PAGE, /* memory is counted in pages: rounded down to one, never up */
};

enum cgroup_put {
	CGROUP_PUT_HELD,
	CGROUP_PUT_ABSENT, /* this kernel has no such file */
	CGROUP_PUT_FAILED, /* refused, or not what was asked */
};

/* Write, read back, compare. The answer becomes a fact of the clause, a failure its reason. */
enum cgroup_put cgroup_limit_put(struct cgroup_clause *clause, int dir_fd, const char *file,
				 const char *value, enum cgroup_match match)
	__attribute__((warn_unused_result));
enum cgroup_put cgroup_limit_put_number(struct cgroup_clause *clause, int dir_fd, const char *file,
					uint64_t value, enum cgroup_match match)
	__attribute__((warn_unused_result));

/*
 * What swap the run may use: file limits it to value; a kernel without that file has no swap
 * accounting, which is right only on a host without swap. The clause says which it was.
 */
bool cgroup_limit_swap(struct cgroup_clause *clause, int dir_fd, const char *file, uint64_t value)
	__attribute__((warn_unused_result));

/* Whether a kernel that was told asked and answers answer holds what was asked. Pure. */
bool cgroup_limit_matches(const char *asked, const char *answer, enum cgroup_match match,
			  uint64_t page_size);

/* A bandwidth; quota_us 0 is no limit. */
struct cgroup_bandwidth {
	uint64_t quota_us;
	uint64_t period_us;
};

/* The one that allows less: by quota per period, the first one when equal. Pure. */
struct cgroup_bandwidth cgroup_bandwidth_min(struct cgroup_bandwidth a, struct cgroup_bandwidth b);

/* Whether a text of /proc/swaps names a swap area: one line of headings, then one for each. Pure.
 */
bool cgroup_swap_listed(const char *proc_swaps);

#endif
