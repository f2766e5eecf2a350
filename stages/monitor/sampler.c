/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/monitor/sampler.h"

#include "ipc/field.h"
#include "ipc/object.h"
#include "stages/launch/cgroup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

void sampler_init(struct sampler *sampler, uint64_t interval_ms)
{
	*sampler = (struct sampler){.interval_ms = interval_ms};
	cgroup_reader_init(&sampler->reader);
	sampler->root_fd = open(CGROUP_ROOT, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

void sampler_release(struct sampler *sampler)
{
	cgroup_reader_close(&sampler->reader);
	if (sampler->root_fd >= 0)
		(void)close(sampler->root_fd);
	sampler->root_fd = -1;
}

/* The part of path below CGROUP_ROOT, when it is a cgroup of this run; else NULL. */
static const char *path_of_run(const char *path, const char *run_id)
{
	static const char prefix[] = CGROUP_ROOT "/";
	static const char stem[] = "safe-run-";

	if (strncmp(path, prefix, sizeof(prefix) - 1) != 0)
		return NULL;
	path += sizeof(prefix) - 1;
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	if (!cgroup_path_valid(path) || strncmp(name, stem, sizeof(stem) - 1) != 0 ||
	    strcmp(name + sizeof(stem) - 1, run_id) != 0)
		return NULL;
	return path;
}

static enum fault_code open_dirs(struct sampler *sampler, struct fields *paths, const char *run_id,
				 int dir_fd[CGROUP_HIERARCHY_COUNT], struct fault *fault)
{
	for (int i = 0; i < CGROUP_HIERARCHY_COUNT; i++) {
		const char *name = cgroup_hierarchy_name((enum cgroup_hierarchy)i);
		const char *path = NULL;

		if (!fields_has(paths, name))
			continue;
		enum fault_code failed = fields_string(paths, name, &path, fault);
		if (failed != FAULT_NONE)
			return failed;
		path = path_of_run(path, run_id);
		if (path == NULL)
			return fault_set(fault, paths->code, "payload.cgroup.paths",
					 "%s is no cgroup of run %s", name, run_id);
		dir_fd[i] = cgroup_file_open(sampler->root_fd, path, O_PATH | O_DIRECTORY);
		if (dir_fd[i] < 0)
			sampler->open_errno = errno;
	}
	return fields_close(paths, fault);
}

enum fault_code sampler_open(struct sampler *sampler, struct json_object *cgroup,
			     const char *run_id, enum fault_code code, struct fault *fault)
{
	struct fields fields;
	struct fields paths;
	int dir_fd[CGROUP_HIERARCHY_COUNT] = {-1, -1, -1, -1, -1, -1};

	enum fault_code failed = fields_open(&fields, cgroup, "payload.cgroup", code, fault);
	if (failed == FAULT_NONE)
		failed = fields_enter(&fields, "paths", &paths, fault);
	if (failed == FAULT_NONE)
		failed = open_dirs(sampler, &paths, run_id, dir_fd, fault);
	if (failed == FAULT_NONE)
		cgroup_reader_open(&sampler->reader, dir_fd);
	for (int i = 0; i < CGROUP_HIERARCHY_COUNT; i++) {
		if (dir_fd[i] >= 0)
			(void)close(dir_fd[i]);
	}
	return failed;
}

void sampler_start(struct sampler *sampler, uint64_t now_ms)
{
	sampler->next_ms = now_ms + sampler->interval_ms;
}

void sampler_stop(struct sampler *sampler)
{
	sampler->next_ms = 0;
}

int sampler_timeout(const struct sampler *sampler, uint64_t now_ms)
{
	if (sampler->next_ms == 0)
		return -1;
	if (sampler->next_ms <= now_ms)
		return 0;
	uint64_t left = sampler->next_ms - now_ms;
	return left < INT_MAX ? (int)left : INT_MAX;
}

/* From now, not from when it was due: a process that was stopped does not catch up. */
static void plan_next(struct sampler *sampler, uint64_t now_ms)
{
	if (++sampler->taken > SAMPLER_ROUND) {
		sampler->interval_ms *= 2;
		sampler->taken = 1;
	}
	sampler->next_ms = now_ms + sampler->interval_ms;
}

static bool has_any(const struct cgroup_counters *counters)
{
	for (size_t i = 0; i < CGROUP_COUNTER_COUNT; i++) {
		if (counters->present[i])
			return true;
	}
	return false;
}

struct json_object *sampler_take(struct sampler *sampler, uint64_t now_ms)
{
	struct cgroup_counters counters;

	if (sampler_timeout(sampler, now_ms) != 0)
		return NULL;
	plan_next(sampler, now_ms);
	cgroup_reader_read(&sampler->reader, &counters);
	if (!has_any(&counters))
		return NULL;
	struct json_object *payload = object_new();
	cgroup_counters_to_json(&counters, payload);
	object_add_string(payload, "sample", "periodic");
	return payload;
}
