/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/fallback.h"

#include "stages/launch/plan.h"
#include "stages/launch/text_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#define LIMITS_SIZE 4096
/* A VMM's stacks, libraries and tables: addresses it reserves, and hardly any memory. */
#define VMM_ADDRESSES (2ULL << 30)
#define OWN_PROCESSES 1 /* the sandbox's init has the workload's uid, and is counted with it */

/* Whether a user namespace counts its processes by itself. */
static bool counts_per_namespace(void)
{
	enum { MAJOR = 5, MINOR = 14 };
	struct utsname name;
	char *end = NULL;
	long major, minor;

	if (uname(&name) < 0)
		return false;
	major = strtol(name.release, &end, 10);
	minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
	return major > MAJOR || (major == MAJOR && minor >= MINOR);
}

void fallback_choose(struct plan *plan, const struct cgroup *cgroup)
{
	const struct cgroup_limits *limits = &plan->cgroup_limits;

	if (!plan->best_effort)
		return;
	if (limits->memory_set && !cgroup->clauses[CGROUP_CLAUSE_MEMORY].enforced)
		plan->fallback_memory =
			limits->memory_max + (plan->machine.wanted ? VMM_ADDRESSES : 0);

	if (limits->pids_set && !cgroup->clauses[CGROUP_CLAUSE_PIDS].enforced &&
	    (!plan->rootless || counts_per_namespace()))
		plan->fallback_pids = limits->pids_max + OWN_PROCESSES;
}

static void lower(__rlimit_resource_t resource, uint64_t value)
{
	struct rlimit limit;

	if (value == 0 || getrlimit(resource, &limit) < 0)
		return;
	if (limit.rlim_max > value)
		limit.rlim_max = value;
	limit.rlim_cur = limit.rlim_max;
	(void)!setrlimit(resource, &limit);
}

void fallback_apply(const struct plan *plan)
{
	lower(RLIMIT_AS, plan->fallback_memory);
	lower(RLIMIT_NPROC, plan->fallback_pids);
}

/* The hard limit of a row of /proc/<pid>/limits: "Max processes    64    64    processes". */
static bool read_hard(const char *limits, const char *row, uint64_t *hard)
{
	const char *line = strstr(limits, row);
	char *end = NULL, *behind = NULL;

	if (line == NULL)
		return false;
	(void)strtoull(line + strlen(row), &end, 10);
	*hard = strtoull(end, &behind, 10);
	return behind != end; /* "unlimited" is no number */
}

/* The limit that stands in, what it means, and why there is no cgroup. */
static void amend(struct cgroup_clause *clause, const char *name, uint64_t hard, uint64_t effective,
		  const char *means)
{
	char value[CGROUP_VALUE_SIZE], why[CGROUP_REASON_SIZE];

	(void)snprintf(value, sizeof value, "%" PRIu64, hard);
	cgroup_clause_fact(clause, name, value);
	cgroup_clause_effective(clause, "%" PRIu64, effective);
	(void)snprintf(clause->mechanism, sizeof clause->mechanism, "%s", name);
	(void)snprintf(why, sizeof why, "%s", clause->reason);
	cgroup_clause_reason(clause, "%s in place of a cgroup: %s (no cgroup: %s)", name, means,
			     why);
}

static void amend_none(struct cgroup_clause *clause, const char *means)
{
	char why[CGROUP_REASON_SIZE];

	if (clause->enforced)
		return;
	(void)snprintf(why, sizeof why, "%s", clause->reason);
	cgroup_clause_reason(clause, "not limited at all: %s (no cgroup: %s)", means, why);
}

static void record_memory(const struct plan *plan, const char *limits, struct cgroup_clause *clause)
{
	uint64_t hard = 0;

	if (plan->fallback_memory != 0 && read_hard(limits, "Max address space", &hard) &&
	    hard <= plan->fallback_memory)
		amend(clause, "RLIMIT_AS", hard, hard,
		      "each process has that much address space; together they may use more");
	else
		amend_none(clause, "the address space could not be limited either");
}

static void record_pids(const struct plan *plan, const char *limits, struct cgroup_clause *clause)
{
	uint64_t hard = 0;

	if (plan->fallback_pids != 0 && read_hard(limits, "Max processes", &hard) &&
	    hard > OWN_PROCESSES && hard <= plan->fallback_pids)
		amend(clause, "RLIMIT_NPROC", hard, hard - OWN_PROCESSES,
		      plan->rootless ? "counts processes and threads of the run's user "
				       "namespace, and there one more is the sandbox's init"
				     : "counts processes and threads of the run's uid, and "
				       "of it one more is the sandbox's init");
	else
		amend_none(clause, "this kernel cannot count the run's processes by their user");
}

void fallback_record(const struct plan *plan, pid_t pid, struct cgroup *cgroup)
{
	char path[32], limits[LIMITS_SIZE];

	(void)snprintf(path, sizeof path, "/proc/%d/limits", pid);
	if (text_file_read(path, limits, sizeof limits) < 0)
		limits[0] = '\0';
	record_memory(plan, limits, &cgroup->clauses[CGROUP_CLAUSE_MEMORY]);
	record_pids(plan, limits, &cgroup->clauses[CGROUP_CLAUSE_PIDS]);
	amend_none(&cgroup->clauses[CGROUP_CLAUSE_CPU], "no limit of a process is a rate");
}
