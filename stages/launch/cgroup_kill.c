/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/cgroup.h"

#include "stages/launch/cgroup_file.h"
#include "stages/launch/cgroup_procs.h"
#include "stages/launch/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

static const char path_kill[] = "launch.cgroup.kill";
static const char path_remove[] = "launch.cgroup.remove";

/* Any one hierarchy lists all the processes; the freezer's first, because it can also stop them. */
static int list_fd(const struct cgroup *cgroup)
{
	static const enum cgroup_hierarchy order[] = {CGROUP_FREEZER, CGROUP_UNIFIED,
						      CGROUP_PIDS,    CGROUP_MEMORY,
						      CGROUP_CPU,     CGROUP_CPUACCT};
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (cgroup->dir_fd[order[i]] >= 0)
			return cgroup->dir_fd[order[i]];
	}
	return -1;
}

/*
 * Stop what is inside, so that nothing forks while it is killed. That it works is not needed: it
 * saves rounds, and what counts is that the list is empty in the end.
 */
static void freeze(const struct cgroup *cgroup, bool stop)
{
	if (cgroup->dir_fd[CGROUP_FREEZER] >= 0)
		(void)!cgroup_file_write(cgroup->dir_fd[CGROUP_FREEZER], "freezer.state",
					 stop ? "FROZEN" : "THAWED");
	else if (cgroup->dir_fd[CGROUP_UNIFIED] >= 0)
		(void)!cgroup_file_write(cgroup->dir_fd[CGROUP_UNIFIED], "cgroup.freeze",
					 stop ? "1" : "0");
}

/* One signal to all there is and all that is being forked; version 1 hierarchies share the list. */
static bool kill_at_once(const struct cgroup *cgroup)
{
	int dir_fd = cgroup->dir_fd[CGROUP_UNIFIED];
	return dir_fd >= 0 && cgroup_file_write(dir_fd, "cgroup.kill", "1") == 0;
}

enum fault_code cgroup_kill(const struct cgroup *cgroup, struct fault *fault)
{
	enum { ROUND_MS = 50 };
	int dir_fd = list_fd(cgroup);
	if (dir_fd < 0)
		return FAULT_NONE;
	uint64_t deadline_ms = cgroup_now_ms() + CGROUP_KILL_MS;
	for (uint64_t now_ms = 0; now_ms < deadline_ms; now_ms = cgroup_now_ms()) {
		if (!kill_at_once(cgroup)) {
			freeze(cgroup, true);
			cgroup_procs_kill(dir_fd);
			freeze(cgroup, false);
		}
		/* What a round missed (forked behind our back) gets the next one. */
		if (cgroup_procs_wait(dir_fd, cgroup_now_ms() + ROUND_MS))
			return FAULT_NONE;
	}
	return fault_set(fault, FAULT_RUN_RELEASE, path_kill,
			 "processes of the run are still alive %d s after SIGKILL, in %s/%s",
			 CGROUP_KILL_MS / 1000, CGROUP_ROOT, cgroup->name);
}

/*
 * A process that has ended may hold its cgroup a moment longer, until the kernel has switched away
 * from it (EBUSY). Nothing tells when on version 1, so the wait is short, and ends.
 */
static int remove_dir(int parent_fd, const char *name)
{
	enum { TRIES = 200, TRY_MS = 1 };
	for (int i = 0; i < TRIES; i++) {
		if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			return -1;
		(void)poll(NULL, 0, TRY_MS);
	}
	return -1;
}

enum fault_code cgroup_remove(struct cgroup *cgroup, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;
	int dir_fd = list_fd(cgroup);
	struct cgroup_procs procs;
	pid_t pid = 0;
	if (dir_fd >= 0 && cgroup_procs_open(&procs, dir_fd) == 0) {
		bool occupied = cgroup_procs_next(&procs, &pid);
		cgroup_procs_close(&procs);
		if (occupied)
			code = cgroup_kill(cgroup, fault);
	}
	cgroup_reader_close(&cgroup->reader);
	for (int i = 0; i < CGROUP_HIERARCHY_COUNT; i++) {
		descriptor_close(&cgroup->tasks_fd[i]);
		if (cgroup->made[i])
			descriptor_close(&cgroup->dir_fd[i]);
		cgroup->dir_fd[i] = -1;
		if (cgroup->made[i] && remove_dir(cgroup->parent_fd[i], cgroup->name) != 0 &&
		    code == FAULT_NONE)
			code = fault_set_errno(fault, FAULT_RUN_RELEASE, errno, path_remove,
					       "removing the cgroup %s/%s", CGROUP_ROOT,
					       cgroup->paths[i]);
		cgroup->made[i] = false;
		descriptor_close(&cgroup->parent_fd[i]);
	}
	descriptor_close(&cgroup->root_fd);
	return code;
}
