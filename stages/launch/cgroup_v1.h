/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_CGROUP_V1_H
#define LAUNCH_CGROUP_V1_H

#include "stages/launch/cgroup.h"

/*
 * cgroup version 1 (Documentation/admin-guide/cgroup-v1): one tree per controller, each with its
 * own place for us. The run's cgroup is always a child of our own, so no limit above is escaped.
 */

/* Make it in every hierarchy we can; errors[h] keeps the errno of one that failed. */
void cgroup_v1_create(struct cgroup *cgroup, const struct cgroup_layout *layout,
		      int errors[CGROUP_HIERARCHY_COUNT]);

/* Limit what version 1 controls; a clause whose controller is not on version 1 is not touched. */
void cgroup_v1_limit(struct cgroup *cgroup, const struct cgroup_limits *limits);

#endif
