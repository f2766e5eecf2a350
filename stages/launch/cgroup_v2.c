/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/cgroup_v2.h"

#include "stages/launch/cgroup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_SIZE 256

struct spot {
	int own_fd;
	int parent_fd; /* -1: our own cgroup is as high as we can see */
	char parent_path[CGROUP_PATH_SIZE];
	struct cgroup_v2_level own;
	struct cgroup_v2_level parent;
};

static struct cgroup_v2_level level_read(int dir_fd)
{
	struct cgroup_v2_level level = {.visible = dir_fd >= 0};
	char list[LIST_SIZE];
	if (!level.visible)
		return level;
	level.is_root = faccessat(dir_fd, "cgroup.type", F_OK, 0) != 0 && errno == ENOENT;
	if (cgroup_file_read(dir_fd, "cgroup.controllers", list, sizeof(list)) == 0)
		level.available = cgroup_v2_controllers(list);
	if (cgroup_file_read(dir_fd, "cgroup.subtree_control", list, sizeof(list)) == 0)
		level.given = cgroup_v2_controllers(list);
	return level;
}

static void spot_open(struct spot *spot, int root_fd, const struct cgroup_place *place)
{
	spot->own_fd = cgroup_dir_open(root_fd, place->own);
	spot->parent_fd = -1;
	const char *slash = strrchr(place->own, '/');
	bool mounted_at_root = place->mount_len == 0;
	size_t len = slash != NULL ? (size_t)(slash - place->own) : 0;
	if (mounted_at_root && strcmp(place->own, ".") != 0 && len == 0) {
		memcpy(spot->parent_path, ".", sizeof("."));
		spot->parent_fd = cgroup_dir_open(root_fd, ".");
	} else if (len > 0 && len >= place->mount_len) {
		memcpy(spot->parent_path, place->own, len);
		spot->parent_path[len] = '\0';
		spot->parent_fd = cgroup_dir_open(root_fd, spot->parent_path);
	}
	spot->own = level_read(spot->own_fd);
	spot->parent = level_read(spot->parent_fd);
}

static uint64_t read_limit(int dir_fd, const char *file)
{
	char text[CGROUP_VALUE_SIZE];
	uint64_t value = 0;
	if (cgroup_file_read(dir_fd, file, text, sizeof(text)) != 0 ||
	    !cgroup_number_parse(text, NULL, &value))
		return 0; /* "max", or no such controller here: not limited at this level */
	return value == 0 ? 1 : value;
}

static struct cgroup_v2_own_limits own_limits_read(int own_fd)
{
	struct cgroup_v2_own_limits own = {
		.memory_max = read_limit(own_fd, "memory.max"),
		.pids_max = read_limit(own_fd, "pids.max"),
	};
	uint64_t high = read_limit(own_fd, "memory.high");
	char text[CGROUP_VALUE_SIZE];
	if (high != 0 && (own.memory_max == 0 || high < own.memory_max))
		own.memory_max = high;
	if (cgroup_file_read(own_fd, "cpu.max", text, sizeof(text)) == 0)
		(void)cgroup_v2_bandwidth_parse(text, &own.cpu);
	return own;
}

/* A limit of our own cgroup that could not be copied to a cgroup beside it; NULL: there is none. */
static const char *limit_escaped(int own_fd)
{
	static const char *const files[] = {"cpuset.cpus", "cpuset.mems", "io.max"};
	char text[LIST_SIZE];
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (cgroup_file_read(own_fd, files[i], text, sizeof(text)) == 0 && text[0] != '\0')
			return files[i];
	}
	return NULL;
}

static bool enable(int dir_fd, unsigned controllers, char *reason, size_t size)
{
	char request[LIST_SIZE];
	char answer[LIST_SIZE];
	if (controllers == 0)
		return true;
	(void)snprintf(request, sizeof(request), "%s%s%s",
		       (controllers & CGROUP_V2_CPU) != 0 ? "+cpu " : "",
		       (controllers & CGROUP_V2_MEMORY) != 0 ? "+memory " : "",
		       (controllers & CGROUP_V2_PIDS) != 0 ? "+pids" : "");
	if (cgroup_file_set(dir_fd, "cgroup.subtree_control", request, answer, sizeof(answer)) ==
		    0 &&
	    (controllers & ~cgroup_v2_controllers(answer)) == 0)
		return true;
	(void)snprintf(reason, size, "cgroup.subtree_control: %s", strerror(errno));
	return false;
}

static bool make_in(struct cgroup *cgroup, int dir_fd, const char *path, char *reason, size_t size)
{
	if (!cgroup_path_join(path, cgroup->name, cgroup->paths[CGROUP_UNIFIED]))
		errno = ENAMETOOLONG;
	else if (cgroup_dir_make(dir_fd, cgroup->name) == 0) {
		cgroup->made[CGROUP_UNIFIED] = true;
		cgroup->parent_fd[CGROUP_UNIFIED] = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
		cgroup->dir_fd[CGROUP_UNIFIED] = cgroup_dir_open(dir_fd, cgroup->name);
		if (cgroup->dir_fd[CGROUP_UNIFIED] >= 0)
			return true;
	}
	(void)snprintf(reason, size, "creating a cgroup in %s/%s: %s", CGROUP_ROOT, path,
		       strerror(errno));
	return false;
}

/* Try to make the run's cgroup with these controllers; own is what a cgroup beside ours escapes. */
static bool attempt(struct cgroup *cgroup, const struct cgroup_place *place,
		    const struct spot *spot, unsigned controllers, enum cgroup_v2_spot *chosen,
		    char *reason, size_t size)
{
	*chosen = cgroup_v2_choose(&spot->own, &spot->parent, controllers);
	switch (*chosen) {
	case CGROUP_V2_BELOW:
		return enable(spot->own_fd, controllers & ~spot->own.given, reason, size) &&
		       make_in(cgroup, spot->own_fd, place->own, reason, size);
	case CGROUP_V2_BESIDE:
		if (limit_escaped(spot->own_fd) != NULL) {
			(void)snprintf(reason, size,
				       "beside our own cgroup the run would escape its %s",
				       limit_escaped(spot->own_fd));
			return false;
		}
		return enable(spot->parent_fd, controllers & ~spot->parent.given, reason, size) &&
		       make_in(cgroup, spot->parent_fd, spot->parent_path, reason, size);
	case CGROUP_V2_NOWHERE:
		break;
	}
	(void)snprintf(reason, size,
		       "neither our own cgroup nor the one above it has the controllers "
		       "cpu, memory and pids to give");
	return false;
}

static unsigned controllers_needed(const struct cgroup_limits *limits)
{
	return (limits->cpu_set ? CGROUP_V2_CPU : 0U) |
	       (limits->memory_set ? CGROUP_V2_MEMORY : 0U) |
	       (limits->pids_set ? CGROUP_V2_PIDS : 0U);
}

static bool limit_memory(struct cgroup_clause *clause, int dir_fd, uint64_t max)
{
	/* group: all of the run dies, not one process of it whose parent may not notice. */
	return cgroup_limit_put_number(clause, dir_fd, "memory.max", max, CGROUP_MATCH_PAGE) ==
		       CGROUP_PUT_HELD &&
	       cgroup_limit_swap(clause, dir_fd, "memory.swap.max", 0) &&
	       cgroup_limit_put(clause, dir_fd, "memory.oom.group", "1", CGROUP_MATCH_EXACT) ==
		       CGROUP_PUT_HELD;
}

static void limit_all(struct cgroup *cgroup, const struct cgroup_limits *limits,
		      unsigned controllers)
{
	struct cgroup_clause *memory = &cgroup->clauses[CGROUP_CLAUSE_MEMORY];
	struct cgroup_clause *cpu = &cgroup->clauses[CGROUP_CLAUSE_CPU];
	struct cgroup_clause *pids = &cgroup->clauses[CGROUP_CLAUSE_PIDS];
	int dir_fd = cgroup->dir_fd[CGROUP_UNIFIED];
	if (limits->memory_set && (controllers & CGROUP_V2_MEMORY) != 0) {
		memory->enforced = limit_memory(memory, dir_fd, limits->memory_max);
		cgroup_clause_effective(memory, "%s", cgroup_clause_answer(memory, "memory.max"));
	}
	if (limits->cpu_set && (controllers & CGROUP_V2_CPU) != 0) {
		char value[CGROUP_VALUE_SIZE];
		(void)snprintf(value, sizeof(value), "%" PRIu64 " %" PRIu64, limits->cpu_quota_us,
			       limits->cpu_period_us);
		cpu->enforced = cgroup_limit_put(cpu, dir_fd, "cpu.max", value,
						 CGROUP_MATCH_EXACT) == CGROUP_PUT_HELD;
		cgroup_clause_effective(cpu, "%s", cgroup_clause_answer(cpu, "cpu.max"));
	}
	if (limits->pids_set && (controllers & CGROUP_V2_PIDS) != 0) {
		pids->enforced = cgroup_limit_put_number(pids, dir_fd, "pids.max", limits->pids_max,
							 CGROUP_MATCH_EXACT) == CGROUP_PUT_HELD;
		cgroup_clause_effective(pids, "%s", cgroup_clause_answer(pids, "pids.max"));
	}
}

static void limit_beside(struct cgroup *cgroup, int own_fd, const struct cgroup_limits *limits,
			 unsigned controllers)
{
	bool tightened[CGROUP_CLAUSE_COUNT];
	struct cgroup_v2_own_limits own = own_limits_read(own_fd);
	struct cgroup_limits tighter = cgroup_v2_tighten(limits, &own, tightened);
	limit_all(cgroup, &tighter, controllers);
	for (int i = 0; i < CGROUP_CLAUSE_COUNT; i++) {
		if (tightened[i] && cgroup->clauses[i].enforced)
			cgroup_clause_reason(&cgroup->clauses[i],
					     "the caller's own cgroup allows no more");
	}
}

bool cgroup_v2_create(struct cgroup *cgroup, const struct cgroup_layout *layout,
		      const struct cgroup_limits *limits, char *reason, size_t size)
{
	const struct cgroup_place *place = &layout->places[CGROUP_UNIFIED];
	unsigned ours = (layout->on_v1[CGROUP_CPU] ? 0U : CGROUP_V2_CPU) |
			(layout->on_v1[CGROUP_MEMORY] ? 0U : CGROUP_V2_MEMORY) |
			(layout->on_v1[CGROUP_PIDS] ? 0U : CGROUP_V2_PIDS);
	struct spot spot;
	spot_open(&spot, cgroup->root_fd, place);
	/* All, for the counters too; what must be; what can be, for a caller that takes less. */
	const unsigned tries[] = {ours, ours & controllers_needed(limits),
				  ours & (spot.parent.available | spot.own.given), 0};
	enum cgroup_v2_spot chosen = CGROUP_V2_NOWHERE;
	char why[CGROUP_REASON_SIZE]; /* the first reason is the one that tells */
	size_t i = 0;
	while (i < sizeof(tries) / sizeof(tries[0]) && !cgroup->made[CGROUP_UNIFIED] &&
	       !attempt(cgroup, place, &spot, tries[i], &chosen, why, sizeof(why))) {
		if (i++ == 0)
			(void)snprintf(reason, size, "%s", why);
	}
	bool made = cgroup->dir_fd[CGROUP_UNIFIED] >= 0;
	if (made && chosen == CGROUP_V2_BESIDE)
		limit_beside(cgroup, spot.own_fd, limits, tries[i]);
	else if (made)
		limit_all(cgroup, limits, tries[i]);
	if (spot.own_fd >= 0)
		(void)close(spot.own_fd);
	if (spot.parent_fd >= 0)
		(void)close(spot.parent_fd);
	return made;
}
