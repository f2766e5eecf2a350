/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/cgroup.h"

#include "stages/launch/cgroup_file.h"
#include "stages/launch/cgroup_procs.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static const char path_attach[] = "launch.cgroup.attach";

int cgroup_clone_fd(const struct cgroup *cgroup)
{
	return cgroup->dir_fd[CGROUP_UNIFIED];
}

int cgroup_attach_self(const struct cgroup *cgroup)
{
	for (int i = 0; i < CGROUP_HIERARCHY_COUNT; i++) {
		if (cgroup->tasks_fd[i] >= 0 && write(cgroup->tasks_fd[i], "0", 1) != 1)
			return -1;
	}
	return 0;
}

enum fault_code cgroup_attach(const struct cgroup *cgroup, pid_t pid, struct fault *fault)
{
	char text[CGROUP_VALUE_SIZE];
	(void)snprintf(text, sizeof(text), "%d", pid);
	for (int i = 0; i < CGROUP_HIERARCHY_COUNT; i++) {
		if (cgroup->made[i] &&
		    cgroup_file_write(cgroup->dir_fd[i], "cgroup.procs", text) != 0)
			return fault_set_errno(fault, FAULT_RUN_LAUNCH, errno, path_attach,
					       "moving the run into %s/%s", CGROUP_ROOT,
					       cgroup->paths[i]);
	}
	return FAULT_NONE;
}

enum fault_code cgroup_attach_check(const struct cgroup *cgroup, pid_t pid, struct fault *fault)
{
	for (int i = 0; i < CGROUP_HIERARCHY_COUNT; i++) {
		if (cgroup->made[i] && !cgroup_procs_has(cgroup->dir_fd[i], pid))
			return fault_set(fault, FAULT_RUN_LAUNCH, path_attach,
					 "the run is not in its cgroup %s/%s", CGROUP_ROOT,
					 cgroup->paths[i]);
	}
	return FAULT_NONE;
}
