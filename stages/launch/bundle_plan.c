/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/bundle_plan.h"

#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/launch/bundle_process.h"
#include "stages/launch/network.h"
#include "stages/launch/plan.h"
#include "stages/validate/path.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define CODE FAULT_RUN_LAUNCH

bool bundle_path_valid(const char *path)
{
	/* As where the policy was read: no control characters, which /proc/self/mounts would show.
	 */
	if (path_check(path) != PATH_OK)
		return false;
	if (path[0] != '/' || path[1] == '\0' || strlen(path) >= PLAN_PATH_MAX)
		return false;
	while (*path == '/') {
		size_t len = strcspn(++path, "/");

		if (len == 0 || len > 255 || (len == 1 && path[0] == '.') ||
		    (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += len;
	}
	return true;
}

enum fault_code bundle_text(struct fields *fields, const char *name, size_t max, struct plan *plan,
			    const char **out, struct fault *fault)
{
	char path[FAULT_PATH_SIZE];
	const char *text = NULL;
	enum fault_code code = fields_string(fields, name, &text, fault);

	if (code != FAULT_NONE)
		return code;
	field_path_name(path, sizeof path, fields->path, name);
	if (text[0] == '\0' || strlen(text) > max)
		return fault_set(fault, CODE, path, "must have 1 to %zu bytes", max);
	*out = plan_text(plan, text);
	if (*out == NULL)
		return fault_set(fault, CODE, path,
				 "arguments, environment and paths together pass %zu bytes",
				 PLAN_TEXT_MAX);
	return FAULT_NONE;
}

enum fault_code bundle_path(struct fields *fields, const char *name, struct plan *plan,
			    const char **out, struct fault *fault)
{
	char path[FAULT_PATH_SIZE];
	enum fault_code code = bundle_text(fields, name, PLAN_PATH_MAX - 1, plan, out, fault);

	if (code != FAULT_NONE || bundle_path_valid(*out))
		return code;
	field_path_name(path, sizeof path, fields->path, name);
	return fault_set(
		fault, CODE, path,
		"\"%.128s\" must be an absolute path without \".\", \"..\", \"//\" or control "
		"characters",
		*out);
}

enum fault_code bundle_prefix(struct json_object *value, const char *path, struct plan *plan,
			      const char **out, struct fault *fault)
{
	const char *text =
		json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";

	if (strcmp(text, "/") != 0 && !bundle_path_valid(text))
		return fault_set(fault, CODE, path,
				 "must be an absolute path without \".\", \"..\" or \"//\"");
	*out = plan_text(plan, text);
	if (*out == NULL)
		return fault_set(fault, CODE, path, "all strings together pass %zu bytes",
				 PLAN_TEXT_MAX);
	return FAULT_NONE;
}

/* A plan must say what the policy says; both are canonical, so equal values are equal. */
static enum fault_code agree(struct json_object *planned, struct json_object *wanted,
			     const char *path, const char *policy_path, struct fault *fault)
{
	if (json_object_equal(planned, wanted))
		return FAULT_NONE;
	return fault_set(fault, CODE, path, "is not what policy.%s says", policy_path);
}

/* {"max": N | "max"} */
static enum fault_code read_ceiling(struct fields *plan, const char *name, int64_t min, bool *set,
				    uint64_t *value, struct fields *inner, struct fault *fault)
{
	int64_t number = 0;
	enum fault_code code = fields_enter(plan, name, inner, fault);

	if (code != FAULT_NONE)
		return code;
	*set = !json_object_is_type(object_member(inner->object, "max"), json_type_string);
	if (!*set)
		return fields_literal(inner, "max", "max", fault);
	code = fields_integer(inner, "max", min, CANON_INTEGER_MAX, &number, fault);
	*value = (uint64_t)number;
	return code;
}

/* Decimal digits without a leading zero, up to end. */
static bool decimal(const char *text, char end, uint64_t *value, const char **rest)
{
	const char *digit = text;

	*value = 0;
	for (; *digit >= '0' && *digit <= '9' && digit - text < 16; digit++)
		*value = *value * 10 + (uint64_t)(*digit - '0');
	*rest = digit + 1;
	return digit != text && *digit == end && (text[0] != '0' || digit - text == 1);
}

static enum fault_code read_cpu(struct fields *plan, struct cgroup_limits *limits,
				struct fault *fault)
{
	struct fields cpu;
	const char *text = NULL;
	const char *rest = NULL;
	enum fault_code code = fields_enter(plan, "cpu", &cpu, fault);

	if (code == FAULT_NONE)
		code = fields_string(&cpu, "max", &text, fault);
	if (code != FAULT_NONE)
		return code;
	limits->cpu_set = strncmp(text, "max ", 4) != 0;
	rest = text + 4;
	if ((limits->cpu_set &&
	     (!decimal(text, ' ', &limits->cpu_quota_us, &rest) || limits->cpu_quota_us < 1000)) ||
	    !decimal(rest, '\0', &limits->cpu_period_us, &rest) || limits->cpu_period_us < 1000 ||
	    limits->cpu_period_us > 1000000)
		return fault_set(
			fault, CODE, "cgroupPlan.cpu.max",
			"must be \"<quota|max> <period>\" in microseconds, quota from 1000, "
			"period 1000 to 1000000");
	return fields_close(&cpu, fault);
}

static enum fault_code read_cgroup(struct fields *top, struct json_object *policy,
				   struct cgroup_limits *limits, struct fault *fault)
{
	struct json_object *wanted = object_member(policy, "resources");
	struct fields plan, memory, pids;
	int64_t swap = 0;
	enum fault_code code = fields_enter(top, "cgroupPlan", &plan, fault);

	if (code == FAULT_NONE)
		code = read_cpu(&plan, limits, fault);
	if (code == FAULT_NONE)
		code = read_ceiling(&plan, "memory", 4096, &limits->memory_set, &limits->memory_max,
				    &memory, fault);
	/* memory_max covers memory and swap together, which is what swapMax 0 asks for. */
	if (code == FAULT_NONE)
		code = fields_integer(&memory, "swapMax", 0, 0, &swap, fault);
	if (code == FAULT_NONE)
		code = fields_close(&memory, fault);
	if (code == FAULT_NONE)
		code = read_ceiling(&plan, "pids", 1, &limits->pids_set, &limits->pids_max, &pids,
				    fault);
	if (code == FAULT_NONE)
		code = fields_close(&pids, fault);
	if (code == FAULT_NONE)
		code = fields_close(&plan, fault);
	if (code == FAULT_NONE)
		code = agree(object_member(object_member(plan.object, "cpu"), "max"),
			     object_member(object_member(wanted, "cpu"), "max"),
			     "cgroupPlan.cpu.max", "resources.cpu.max", fault);
	if (code == FAULT_NONE)
		code = agree(object_member(memory.object, "max"),
			     object_member(object_member(wanted, "memory"), "max"),
			     "cgroupPlan.memory.max", "resources.memory.max", fault);
	if (code == FAULT_NONE)
		code = agree(object_member(pids.object, "max"),
			     object_member(object_member(wanted, "pids"), "max"),
			     "cgroupPlan.pids.max", "resources.pids.max", fault);
	return code;
}

/* Asked for and not there yet: refused in the policy's own words, never left out silently. */
static enum fault_code refuse_missing(struct json_object *policy, struct plan *plan,
				      struct fault *fault)
{
	struct json_object *isolation =
		object_member(object_member(policy, "runtime"), "isolation");
	const char *text;

	text = json_object_is_type(isolation, json_type_string) ? json_object_get_string(isolation)
								: "";
	plan->machine.wanted = strcmp(text, "microvm") == 0;
	if (strcmp(text, "process") != 0 && !plan->machine.wanted)
		return fault_set(fault, FAULT_HOST_LACKS, "policy.runtime.isolation",
				 "\"%.32s\" isolation is not available in this version: set "
				 "runtime.isolation to \"process\" or \"microvm\"",
				 text);
	return FAULT_NONE;
}

enum fault_code bundle_plan_read(struct fields *top, struct json_object *policy, struct plan *plan,
				 struct fault *fault)
{
	enum fault_code code = refuse_missing(policy, plan, fault);

	if (code == FAULT_NONE)
		code = network_plan_read(top, policy, plan, fault);
	if (code == FAULT_NONE)
		code = read_cgroup(top, policy, &plan->cgroup_limits, fault);
	if (code == FAULT_NONE)
		code = bundle_mounts_read(top, policy, plan, fault);
	if (code == FAULT_NONE)
		code = bundle_process_read(top, policy, plan, fault);
	return code;
}
