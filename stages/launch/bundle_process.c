/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/bundle_process.h"

#include "ipc/canon.h"
#include "sandbox/sandbox.h"
#include "stages/launch/bundle_plan.h"
#include "stages/launch/exec.h"
#include "stages/launch/plan.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define CODE	      FAULT_RUN_LAUNCH
#define TIMEOUT_S_MAX 604800 /* a week */
#define HOSTNAME_MAX  63     /* a DNS label */

struct json_object *bundle_member(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		(void)json_object_object_get_ex(object, name, &value);
	return value;
}

enum fault_code bundle_disagree(const char *path, const char *policy_path, struct fault *fault)
{
	return fault_set(fault, CODE, path, "is not what policy.%s says", policy_path);
}

enum { CORE, NOFILE, MEMLOCK, MSGQUEUE };

static enum fault_code read_limits(struct fields *process, struct plan *plan, struct fault *fault)
{
	static const struct plan_limit known[PLAN_LIMIT_COUNT] = {
		[CORE] = {RLIMIT_CORE, "core", "Max core file size", 1},
		[NOFILE] = {RLIMIT_NOFILE, "nofile", "Max open files", 1 << 20},
		[MEMLOCK] = {RLIMIT_MEMLOCK, "memlock", "Max locked memory", 1 << 30},
		[MSGQUEUE] = {RLIMIT_MSGQUEUE, "msgqueue", "Max msgqueue size", 1 << 20},
	};
	struct fields limits;
	int64_t value = 0;
	enum fault_code code = fields_enter(process, "limits", &limits, fault);

	for (size_t i = 0; code == FAULT_NONE && i < PLAN_LIMIT_COUNT; i++) {
		/* The kernel starts its core_pattern program at a limit of 0 too, and never at 1.
		 */
		code = fields_integer(&limits, known[i].name, i == CORE, (int64_t)known[i].value,
				      &value, fault);
		plan->limits[i] = known[i];
		plan->limits[i].value = (uint64_t)value;
	}
	return code == FAULT_NONE ? fields_close(&limits, fault) : code;
}

static bool hostname_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

	return name[0] != '-' && name[strspn(name, allowed)] == '\0';
}

static enum fault_code read_seccomp(struct fields *process, struct plan *plan, struct fault *fault)
{
	enum fault_code code =
		bundle_text(process, "seccomp", HOSTNAME_MAX, plan, &plan->seccomp, fault);

	if (code != FAULT_NONE)
		return code;
	/* strict-la57 is strict for another memory layout, chosen at exec and by nobody else. */
	plan->filter = sandbox_workload_filter(plan->seccomp);
	if (plan->filter == NULL || strcmp(plan->seccomp, "strict-la57") == 0)
		return fault_set(fault, FAULT_HOST_LACKS, "policy.runtime.seccomp",
				 "there is no seccomp profile \"%.32s\": use standard or strict",
				 plan->seccomp);
	return FAULT_NONE;
}

static enum fault_code read_words(struct fields *process, struct plan *plan, struct fault *fault)
{
	const char *text = "";
	enum fault_code code = bundle_path(process, "cwd", plan, &plan->cwd, fault);

	if (code == FAULT_NONE)
		code = bundle_text(process, "hostname", HOSTNAME_MAX, plan, &plan->hostname, fault);
	if (code == FAULT_NONE && !hostname_valid(plan->hostname))
		code = fault_set(fault, CODE, "processPlan.hostname",
				 "must be lower-case letters, digits and hyphens");
	if (code == FAULT_NONE)
		code = read_seccomp(process, plan, fault);
	if (code == FAULT_NONE)
		code = fields_string(process, "stdin", &text, fault);
	plan->stdin_none = strcmp(text, "none") == 0;
	if (code == FAULT_NONE && !plan->stdin_none && strcmp(text, "inherit") != 0)
		code = fault_set(fault, CODE, "processPlan.stdin", "must be inherit or none");
	return code;
}

static enum fault_code read_numbers(struct fields *process, struct plan *plan, struct fault *fault)
{
	int64_t timeout = 0, disk = 0, output = 0;
	enum fault_code code =
		fields_integer(process, "timeoutSec", 1, TIMEOUT_S_MAX, &timeout, fault);

	if (code == FAULT_NONE)
		code = fields_integer(process, "diskMax", 4096, CANON_INTEGER_MAX, &disk, fault);
	if (code == FAULT_NONE)
		code = fields_integer(process, "outputMax", 0, CANON_INTEGER_MAX, &output, fault);
	plan->timeout_s = (uint64_t)timeout;
	plan->disk_max = (uint64_t)disk;
	plan->output_max = (uint64_t)output;
	return code;
}

static enum fault_code compare(struct fields *process, struct json_object *policy,
			       struct fault *fault)
{
	static const struct {
		const char *name, *path, *group, *field, *inner;
	} pairs[] = {
		{"cwd", "processPlan.cwd", "runtime", "workdir", NULL},
		{"seccomp", "processPlan.seccomp", "runtime", "seccomp", NULL},
		{"stdin", "processPlan.stdin", "runtime", "stdin", NULL},
		{"timeoutSec", "processPlan.timeoutSec", "runtime", "timeoutSec", NULL},
		{"diskMax", "processPlan.diskMax", "resources", "disk", "max"},
		{"outputMax", "processPlan.outputMax", "resources", "output", "max"},
	};

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		struct json_object *wanted =
			bundle_member(bundle_member(policy, pairs[i].group), pairs[i].field);

		if (pairs[i].inner != NULL)
			wanted = bundle_member(wanted, pairs[i].inner);
		if (!json_object_equal(bundle_member(process->object, pairs[i].name), wanted)) {
			char policy_path[FAULT_PATH_SIZE];

			field_path_name(policy_path, sizeof policy_path, pairs[i].group,
					pairs[i].field);
			return bundle_disagree(pairs[i].path, policy_path, fault);
		}
	}
	if (!json_object_equal(bundle_member(bundle_member(process->object, "root"), "path"),
			       bundle_member(bundle_member(policy, "runtime"), "rootfs")))
		return bundle_disagree("processPlan.root.path", "runtime.rootfs", fault);
	return FAULT_NONE;
}

enum fault_code bundle_process_read(struct fields *top, struct json_object *policy,
				    struct plan *plan, struct fault *fault)
{
	struct json_object *runtime = bundle_member(policy, "runtime");
	struct fields process;
	enum fault_code code = fields_enter(top, "processPlan", &process, fault);

	if (code == FAULT_NONE)
		code = bundle_argv(&process, runtime, plan, fault);
	if (code == FAULT_NONE)
		code = bundle_env(&process, runtime, plan, fault);
	if (code == FAULT_NONE)
		code = read_limits(&process, plan, fault);
	if (code == FAULT_NONE)
		code = read_words(&process, plan, fault);
	if (code == FAULT_NONE)
		code = read_numbers(&process, plan, fault);
	if (code == FAULT_NONE)
		code = bundle_mount_facts_read(&process, plan, fault);
	/* Its filter leaves exec open on descriptor 4096, which this limit makes unreachable. */
	if (code == FAULT_NONE && strcmp(plan->seccomp, "strict") == 0 &&
	    plan->limits[NOFILE].value > EXEC_FD)
		code = fault_set(fault, CODE, "processPlan.limits.nofile",
				 "must be at most %d with the strict profile", EXEC_FD);
	if (code == FAULT_NONE)
		code = bundle_root_read(&process, plan, fault);
	if (code == FAULT_NONE)
		code = bundle_outputs_read(&process, policy, plan, fault);
	if (code == FAULT_NONE)
		code = fields_close(&process, fault);
	return code == FAULT_NONE ? compare(&process, policy, fault) : code;
}
