/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_CGROUP_H
#define LAUNCH_CGROUP_H

#include "ipc/fault.h"
#include "stages/launch/cgroup_clause.h"
#include "stages/launch/cgroup_layout.h"
#include "stages/launch/cgroup_read.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct json_object;

/*
 * The run's own cgroup: "safe-run-<run id>", one in each hierarchy that has a controller we use,
 * below the cgroup this process is in. Where version 2 forbids that (a cgroup that holds processes
 * has no controllers to give), beside it, with our own cgroup's limits copied, so that a run never
 * escapes what its caller is held to. Storage is the caller's; zero is not a valid value:
 * cgroup_prepare fills it in every case, and cgroup_remove is right after any outcome.
 */
struct cgroup {
	enum cgroup_mode mode;
	char name[sizeof("safe-run-") + 64];
	int root_fd;			       /* O_PATH on CGROUP_ROOT, or -1 */
	int parent_fd[CGROUP_HIERARCHY_COUNT]; /* where the run's cgroup was made */
	int dir_fd[CGROUP_HIERARCHY_COUNT];    /* the run's cgroup; -1: none in that hierarchy */
	int tasks_fd[CGROUP_HIERARCHY_COUNT];  /* version 1 "tasks", for cgroup_attach_self */
	char paths[CGROUP_HIERARCHY_COUNT][CGROUP_PATH_SIZE]; /* relative to CGROUP_ROOT */
	bool made[CGROUP_HIERARCHY_COUNT]; /* false: none, or one tree with an earlier hierarchy */
	struct cgroup_clause clauses[CGROUP_CLAUSE_COUNT];
	struct cgroup_reader reader;
};

/* What the policy asks for; a limit that is not set is "max". */
struct cgroup_limits {
	bool memory_set;
	uint64_t memory_max; /* bytes, swap included */
	bool cpu_set;
	uint64_t cpu_quota_us;
	uint64_t cpu_period_us;
	bool pids_set;
	uint64_t pids_max;
};

/*
 * Create and limit it; every value is read back and compared. What cannot be enforced is a fault
 * (FAULT_HOST_LACKS with the ways to mend it, or FAULT_RUN_LAUNCH), nothing is left behind then.
 * With best_effort it is recorded as not enforced instead, and only then.
 */
enum fault_code cgroup_prepare(struct cgroup *cgroup, const char *run_id,
			       const struct cgroup_limits *limits, bool best_effort,
			       struct fault *fault) __attribute__((warn_unused_result));

/*
 * Getting the workload in, before it runs anything of its own:
 *   version 2: give cgroup_clone_fd to clone3 with CLONE_INTO_CGROUP (-1: no version 2 cgroup);
 *   version 1: the child calls cgroup_attach_self, single-threaded and before it gives up anything.
 * The child is in then, and so is all it forks. Both avoid writing a pid to cgroup.procs, which
 * waits for an RCU grace period (milliseconds) in cgroup_attach_lock; "0" into "tasks" does not
 * (Linux 5.5, 9a3284fad42f). cgroup_attach_self returns 0, or -1 with errno, and allocates nothing.
 */
int cgroup_clone_fd(const struct cgroup *cgroup);
int cgroup_attach_self(const struct cgroup *cgroup) __attribute__((warn_unused_result));

/* The slow way, for a process that is not ours to run code in: pid into every cgroup.procs. */
enum fault_code cgroup_attach(const struct cgroup *cgroup, pid_t pid, struct fault *fault)
	__attribute__((warn_unused_result));

/* Read back that pid (in our pid namespace) is in the run's cgroup in every hierarchy. */
enum fault_code cgroup_attach_check(const struct cgroup *cgroup, pid_t pid, struct fault *fault)
	__attribute__((warn_unused_result));

/* A new {"mode","paths":{hierarchy: absolute path}}; the caller owns it. */
struct json_object *cgroup_paths(const struct cgroup *cgroup);

/* Append one enforcement entry per resource clause: memory, cpu, pids. */
void cgroup_enforcement(const struct cgroup *cgroup, struct json_object *array);

/* Counters now, and the same as a resource.sampled payload's cpu, memory and pids. */
void cgroup_counters(const struct cgroup *cgroup, struct cgroup_counters *counters);
void cgroup_sample(const struct cgroup *cgroup, struct json_object *payload);

/*
 * SIGKILL everything inside until nothing is left, within CGROUP_KILL_MS: cgroup.kill (Linux 5.14),
 * else frozen, so that nothing forks or exits between the list and the signal. FAULT_RUN_RELEASE
 * when something is left.
 */
#define CGROUP_KILL_MS 10000
enum fault_code cgroup_kill(const struct cgroup *cgroup, struct fault *fault)
	__attribute__((warn_unused_result));

/* Kill what is left, remove the cgroups, close everything. FAULT_RUN_RELEASE names what stayed. */
enum fault_code cgroup_remove(struct cgroup *cgroup, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
