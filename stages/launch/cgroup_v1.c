/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/cgroup_v1.h"

#include "stages/launch/cgroup_file.h"
#include "stages/launch/cgroup_limit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static int create_one(struct cgroup *cgroup, const struct cgroup_place *place,
		      enum cgroup_hierarchy hierarchy)
{
	if (!cgroup_path_join(place->own, cgroup->name, cgroup->paths[hierarchy])) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int parent_fd = cgroup_dir_open(cgroup->root_fd, place->own);
	if (parent_fd < 0)
		return -1;
	cgroup->parent_fd[hierarchy] = parent_fd;
	if (cgroup_dir_make(parent_fd, cgroup->name) != 0)
		return -1;
	cgroup->made[hierarchy] = true;
	cgroup->dir_fd[hierarchy] = cgroup_dir_open(parent_fd, cgroup->name);
	if (cgroup->dir_fd[hierarchy] < 0)
		return -1;
	cgroup->tasks_fd[hierarchy] =
		cgroup_file_open(cgroup->dir_fd[hierarchy], "tasks", O_WRONLY);
	return cgroup->tasks_fd[hierarchy] < 0 ? -1 : 0;
}

/* An earlier hierarchy mounted at the same place: "cpu,cpuacct" is one tree with two controllers.
 */
static enum cgroup_hierarchy same_tree(const struct cgroup_layout *layout, int hierarchy)
{
	int earlier = 0;
	while (strcmp(layout->places[earlier].own, layout->places[hierarchy].own) != 0)
		earlier++;
	return (enum cgroup_hierarchy)earlier;
}

void cgroup_v1_create(struct cgroup *cgroup, const struct cgroup_layout *layout,
		      int errors[CGROUP_HIERARCHY_COUNT])
{
	for (int i = 0; i < CGROUP_UNIFIED; i++) {
		if (!layout->places[i].visible) {
			errors[i] = ENOENT;
			continue;
		}
		enum cgroup_hierarchy first = same_tree(layout, i);
		if ((int)first == i) {
			errors[i] = create_one(cgroup, &layout->places[i], first) != 0 ? errno : 0;
			continue;
		}
		errors[i] = errors[first];
		cgroup->dir_fd[i] = cgroup->dir_fd[first];
		memcpy(cgroup->paths[i], cgroup->paths[first], CGROUP_PATH_SIZE);
	}
}

/* Inherited from the parent (mem_cgroup_css_alloc): without the killer a full run would hang. */
static bool keep_oom_killer(struct cgroup_clause *clause, int dir_fd)
{
	static const char file[] = "memory.oom_control";
	char text[256];
	uint64_t disabled = 1;
	bool known = cgroup_file_read(dir_fd, file, text, sizeof(text)) == 0 &&
		     cgroup_number_parse(text, "oom_kill_disable", &disabled);
	if (known && disabled != 0)
		known = cgroup_file_set(dir_fd, file, "0", text, sizeof(text)) == 0 &&
			cgroup_number_parse(text, "oom_kill_disable", &disabled);
	if (known && disabled == 0)
		return true;
	cgroup_clause_reason(clause, "%s: the OOM killer is off and stays so", file);
	return false;
}

/* memory.memsw counts memory and swap together and may not be below the limit: hence the order. */
static bool limit_memory(struct cgroup_clause *clause, int dir_fd, uint64_t max)
{
	return cgroup_limit_put_number(clause, dir_fd, "memory.limit_in_bytes", max,
				       CGROUP_MATCH_PAGE) == CGROUP_PUT_HELD &&
	       cgroup_limit_swap(clause, dir_fd, "memory.memsw.limit_in_bytes", max) &&
	       keep_oom_killer(clause, dir_fd);
}

static uint64_t read_number(int dir_fd, const char *file)
{
	char text[CGROUP_VALUE_SIZE];
	uint64_t value = 0;
	/* -1 in cpu.cfs_quota_us is no limit, and no number here either. */
	if (cgroup_file_read(dir_fd, file, text, sizeof(text)) != 0 ||
	    !cgroup_number_parse(text, NULL, &value))
		return 0;
	return value;
}

/*
 * A child may not ask for a larger share than its parent has (EINVAL, tg_cfs_schedulable_down), so
 * under a tighter parent the run gets the parent's: tighter than asked is still enforced.
 */
static bool limit_cpu(struct cgroup_clause *clause, int parent_fd, int dir_fd,
		      struct cgroup_bandwidth asked)
{
	struct cgroup_bandwidth own = {
		.quota_us = read_number(parent_fd, "cpu.cfs_quota_us"),
		.period_us = read_number(parent_fd, "cpu.cfs_period_us"),
	};
	struct cgroup_bandwidth share = cgroup_bandwidth_min(asked, own);
	if (cgroup_limit_put_number(clause, dir_fd, "cpu.cfs_period_us", share.period_us,
				    CGROUP_MATCH_EXACT) != CGROUP_PUT_HELD ||
	    cgroup_limit_put_number(clause, dir_fd, "cpu.cfs_quota_us", share.quota_us,
				    CGROUP_MATCH_EXACT) != CGROUP_PUT_HELD)
		return false;
	if (share.quota_us != asked.quota_us || share.period_us != asked.period_us)
		cgroup_clause_reason(clause, "the caller's own cgroup allows no more");
	return true;
}

static void clause_memory(struct cgroup *cgroup, const struct cgroup_limits *limits)
{
	struct cgroup_clause *clause = &cgroup->clauses[CGROUP_CLAUSE_MEMORY];
	if (!limits->memory_set)
		return;
	clause->enforced = limit_memory(clause, cgroup->dir_fd[CGROUP_MEMORY], limits->memory_max);
	cgroup_clause_effective(clause, "%s",
				cgroup_clause_answer(clause, "memory.limit_in_bytes"));
}

static void clause_cpu(struct cgroup *cgroup, const struct cgroup_limits *limits)
{
	struct cgroup_clause *clause = &cgroup->clauses[CGROUP_CLAUSE_CPU];
	struct cgroup_bandwidth asked = {limits->cpu_quota_us, limits->cpu_period_us};
	if (!limits->cpu_set)
		return;
	clause->enforced =
		limit_cpu(clause, cgroup->parent_fd[CGROUP_CPU], cgroup->dir_fd[CGROUP_CPU], asked);
	cgroup_clause_effective(clause, "%s %s", cgroup_clause_answer(clause, "cpu.cfs_quota_us"),
				cgroup_clause_answer(clause, "cpu.cfs_period_us"));
}

static void clause_pids(struct cgroup *cgroup, const struct cgroup_limits *limits)
{
	struct cgroup_clause *clause = &cgroup->clauses[CGROUP_CLAUSE_PIDS];
	if (!limits->pids_set)
		return;
	clause->enforced =
		cgroup_limit_put_number(clause, cgroup->dir_fd[CGROUP_PIDS], "pids.max",
					limits->pids_max, CGROUP_MATCH_EXACT) == CGROUP_PUT_HELD;
	cgroup_clause_effective(clause, "%s", cgroup_clause_answer(clause, "pids.max"));
}

void cgroup_v1_limit(struct cgroup *cgroup, const struct cgroup_limits *limits)
{
	if (cgroup->dir_fd[CGROUP_MEMORY] >= 0)
		clause_memory(cgroup, limits);
	if (cgroup->dir_fd[CGROUP_CPU] >= 0)
		clause_cpu(cgroup, limits);
	if (cgroup->dir_fd[CGROUP_PIDS] >= 0)
		clause_pids(cgroup, limits);
}
