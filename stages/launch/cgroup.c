/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/cgroup.h"

#include "ipc/buf.h"
#include "ipc/object.h"
#include "stages/launch/cgroup_file.h"
#include "stages/launch/cgroup_v1.h"
#include "stages/launch/cgroup_v2.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MOUNTINFO_MAX ((size_t)4 << 20)
#define PROC_SELF_MAX ((size_t)64 << 10)

/* Why a hierarchy has no cgroup of ours. */
struct setup {
	struct cgroup_layout layout;
	int errors[CGROUP_HIERARCHY_COUNT];
	char unified_reason[CGROUP_REASON_SIZE];
};

static void init(struct cgroup *cgroup, const char *run_id)
{
	memset(cgroup, 0, sizeof(*cgroup));
	(void)snprintf(cgroup->name, sizeof(cgroup->name), "safe-run-%s", run_id);
	cgroup->root_fd = -1;
	for (int i = 0; i < CGROUP_HIERARCHY_COUNT; i++) {
		cgroup->parent_fd[i] = -1;
		cgroup->dir_fd[i] = -1;
		cgroup->tasks_fd[i] = -1;
	}
	cgroup_reader_init(&cgroup->reader);
}

static int read_whole(const char *path, struct buf *out)
{
	char chunk[4096];
	ssize_t len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	while ((len = read(fd, chunk, sizeof(chunk))) > 0)
		buf_append(out, chunk, (size_t)len);
	(void)close(fd);
	buf_append(out, "", 1);
	return len < 0 || out->overflowed ? -1 : 0;
}

static enum fault_code layout_read(struct cgroup_layout *layout, struct fault *fault)
{
	BUF_CLEANUP struct buf mountinfo;
	BUF_CLEANUP struct buf self_cgroup;
	buf_init(&mountinfo, MOUNTINFO_MAX);
	buf_init(&self_cgroup, PROC_SELF_MAX);
	if (read_whole("/proc/self/mountinfo", &mountinfo) != 0 ||
	    read_whole("/proc/self/cgroup", &self_cgroup) != 0)
		return fault_set_errno(fault, FAULT_HOST_LACKS, errno, "launch.cgroup",
				       "reading where this process is, from /proc/self");
	cgroup_layout_parse(mountinfo.data, self_cgroup.data, layout);
	return FAULT_NONE;
}

static void clauses_init(struct cgroup *cgroup, const struct cgroup_limits *limits)
{
	struct cgroup_clause *memory = &cgroup->clauses[CGROUP_CLAUSE_MEMORY];
	struct cgroup_clause *cpu = &cgroup->clauses[CGROUP_CLAUSE_CPU];
	struct cgroup_clause *pids = &cgroup->clauses[CGROUP_CLAUSE_PIDS];
	for (int i = 0; i < CGROUP_CLAUSE_COUNT; i++) {
		struct cgroup_clause *clause = &cgroup->clauses[i];
		(void)snprintf(clause->requested, sizeof(clause->requested), "max");
		cgroup_clause_effective(clause, "max");
	}
	/* No limit is held by having none. */
	memory->enforced = !limits->memory_set;
	cpu->enforced = !limits->cpu_set;
	pids->enforced = !limits->pids_set;
	if (limits->memory_set)
		(void)snprintf(memory->requested, sizeof(memory->requested), "%" PRIu64,
			       limits->memory_max);
	if (limits->cpu_set)
		(void)snprintf(cpu->requested, sizeof(cpu->requested), "%" PRIu64 " %" PRIu64,
			       limits->cpu_quota_us, limits->cpu_period_us);
	if (limits->pids_set)
		(void)snprintf(pids->requested, sizeof(pids->requested), "%" PRIu64,
			       limits->pids_max);
}

static enum cgroup_hierarchy clause_hierarchy(enum cgroup_clause_id id)
{
	switch (id) {
	case CGROUP_CLAUSE_MEMORY:
		return CGROUP_MEMORY;
	case CGROUP_CLAUSE_CPU:
		return CGROUP_CPU;
	case CGROUP_CLAUSE_PIDS:
	case CGROUP_CLAUSE_COUNT:
		break;
	}
	return CGROUP_PIDS;
}

static void clause_explain(struct cgroup_clause *clause, enum cgroup_hierarchy hierarchy,
			   const struct setup *setup)
{
	if (clause->enforced || clause->reason[0] != '\0')
		return;
	if (!setup->layout.on_v1[hierarchy] && setup->unified_reason[0] != '\0')
		cgroup_clause_reason(clause, "%s", setup->unified_reason);
	else if (!setup->layout.on_v1[hierarchy])
		cgroup_clause_reason(clause, "the controller %s is not there",
				     cgroup_hierarchy_name(hierarchy));
	else if (!setup->layout.places[hierarchy].visible)
		cgroup_clause_reason(clause, "the controller %s is not mounted below %s",
				     cgroup_hierarchy_name(hierarchy), CGROUP_ROOT);
	else
		cgroup_clause_reason(clause, "creating a cgroup in %s/%s: %s", CGROUP_ROOT,
				     setup->layout.places[hierarchy].own,
				     strerror(setup->errors[hierarchy]));
}

static void mechanism_set(struct cgroup *cgroup, enum cgroup_clause_id id)
{
	static const struct {
		const char *v1, *v2;
	} names[CGROUP_CLAUSE_COUNT] = {
		[CGROUP_CLAUSE_MEMORY] = {"cgroup v1 memory.limit_in_bytes",
					  "cgroup v2 memory.max"},
		[CGROUP_CLAUSE_CPU] = {"cgroup v1 cpu.cfs_quota_us", "cgroup v2 cpu.max"},
		[CGROUP_CLAUSE_PIDS] = {"cgroup v1 pids.max", "cgroup v2 pids.max"},
	};
	const char *name = "none";
	if (cgroup->dir_fd[clause_hierarchy(id)] >= 0)
		name = names[id].v1;
	else if (cgroup->dir_fd[CGROUP_UNIFIED] >= 0)
		name = names[id].v2;
	(void)snprintf(cgroup->clauses[id].mechanism, sizeof(cgroup->clauses[id].mechanism), "%s",
		       name);
}

static void make(struct cgroup *cgroup, const struct cgroup_limits *limits, struct setup *setup)
{
	struct cgroup_layout *layout = &setup->layout;
	cgroup_v1_create(cgroup, layout, setup->errors);
	cgroup_v1_limit(cgroup, limits);
	bool wants_unified = !layout->on_v1[CGROUP_MEMORY] || !layout->on_v1[CGROUP_CPU] ||
			     !layout->on_v1[CGROUP_PIDS];
	if (wants_unified && layout->places[CGROUP_UNIFIED].visible)
		(void)!cgroup_v2_create(cgroup, layout, limits, setup->unified_reason,
					sizeof(setup->unified_reason));
	else if (wants_unified)
		(void)snprintf(setup->unified_reason, sizeof(setup->unified_reason),
			       "no cgroup file system is mounted on or below %s", CGROUP_ROOT);
	cgroup->mode = CGROUP_MODE_NONE;
	for (int i = 0; i < CGROUP_HIERARCHY_COUNT; i++) {
		if (cgroup->dir_fd[i] >= 0)
			cgroup->mode = cgroup_layout_mode(layout);
	}
	for (int i = 0; i < CGROUP_CLAUSE_COUNT; i++) {
		clause_explain(&cgroup->clauses[i], clause_hierarchy((enum cgroup_clause_id)i),
			       setup);
		mechanism_set(cgroup, (enum cgroup_clause_id)i);
	}
}

static enum fault_code check(const struct cgroup *cgroup, struct fault *fault)
{
	for (int i = 0; i < CGROUP_CLAUSE_COUNT; i++) {
		const struct cgroup_clause *clause = &cgroup->clauses[i];
		if (clause->enforced)
			continue;
		return fault_set(fault, FAULT_HOST_LACKS, "launch.cgroup",
				 "%s cannot be enforced: %s. Give safe-run a cgroup of its own "
				 "(systemd-run --user --scope -p Delegate=yes safe-run ..., or a "
				 "delegated cgroup), or take less with --best-effort",
				 cgroup_clause_name((enum cgroup_clause_id)i), clause->reason);
	}
	return FAULT_NONE;
}

enum fault_code cgroup_prepare(struct cgroup *cgroup, const char *run_id,
			       const struct cgroup_limits *limits, bool best_effort,
			       struct fault *fault)
{
	struct setup setup = {.errors = {0}};
	init(cgroup, run_id);
	clauses_init(cgroup, limits);
	enum fault_code code = layout_read(&setup.layout, fault);
	if (code != FAULT_NONE)
		return code;
	cgroup->root_fd = open(CGROUP_ROOT, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	make(cgroup, limits, &setup);
	code = best_effort ? FAULT_NONE : check(cgroup, fault);
	if (code != FAULT_NONE) {
		struct fault ignored;
		(void)!cgroup_remove(cgroup, &ignored);
		return code;
	}
	cgroup_reader_open(&cgroup->reader, cgroup->dir_fd);
	return FAULT_NONE;
}

struct json_object *cgroup_paths(const struct cgroup *cgroup)
{
	struct json_object *paths = object_new();
	for (int i = 0; i < CGROUP_HIERARCHY_COUNT; i++) {
		char path[sizeof(CGROUP_ROOT) + CGROUP_PATH_SIZE];
		if (cgroup->dir_fd[i] < 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", CGROUP_ROOT, cgroup->paths[i]);
		object_add_string(paths, cgroup_hierarchy_name((enum cgroup_hierarchy)i), path);
	}
	struct json_object *result = object_new();
	object_add_string(result, "mode", cgroup_mode_name(cgroup->mode));
	object_add(result, "paths", paths);
	return result;
}

void cgroup_enforcement(const struct cgroup *cgroup, struct json_object *array)
{
	for (int i = 0; i < CGROUP_CLAUSE_COUNT; i++)
		array_append(array,
			     cgroup_clause_to_json(&cgroup->clauses[i], (enum cgroup_clause_id)i));
}

void cgroup_counters(const struct cgroup *cgroup, struct cgroup_counters *counters)
{
	cgroup_reader_read(&cgroup->reader, counters);
}

void cgroup_sample(const struct cgroup *cgroup, struct json_object *payload)
{
	struct cgroup_counters counters;
	cgroup_reader_read(&cgroup->reader, &counters);
	cgroup_counters_to_json(&counters, payload);
}
