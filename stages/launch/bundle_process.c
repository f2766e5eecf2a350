/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/bundle_process.h"

#include "ipc/canon.h"
#include "sandbox/sandbox.h"
#include "stages/launch/bundle_plan.h"
#include "stages/launch/plan.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define CODE	      FAULT_RUN_LAUNCH
#define TIMEOUT_S_MAX 604800 /* a week */
#define HOSTNAME_MAX  63     /* a DNS label */

static struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		(void)json_object_object_get_ex(object, name, &value);
	return value;
}

static enum fault_code disagree(const char *path, const char *policy_path, struct fault *fault)
{
	return fault_set(fault, CODE, path, "is not what policy.%s says", policy_path);
}

/* The strings of an array into slots, NULL behind them. */
static enum fault_code read_strings(struct fields *process, const char *name, char **slots,
				    size_t max_count, size_t *count, struct plan *plan,
				    struct fault *fault)
{
	struct json_object *list = NULL;
	char path[FAULT_PATH_SIZE];
	enum fault_code code = fields_array(process, name, max_count, &list, fault);

	if (code != FAULT_NONE)
		return code;
	*count = json_object_array_length(list);
	for (size_t i = 0; i < *count; i++) {
		struct json_object *item = json_object_array_get_idx(list, i);
		const char *text;

		field_path_name(path, sizeof path, process->path, name);
		if (!json_object_is_type(item, json_type_string) ||
		    (size_t)json_object_get_string_len(item) >= PLAN_STRING_MAX)
			return fault_set(fault, CODE, path,
					 "entry %zu must be a string below %zu bytes", i,
					 PLAN_STRING_MAX);
		text = plan_text(plan, json_object_get_string(item));
		if (text == NULL)
			return fault_set(fault, CODE, path,
					 "arguments, environment and paths together pass %zu bytes",
					 PLAN_TEXT_MAX);
		slots[i] = (char *)text;
	}
	slots[*count] = NULL;
	return FAULT_NONE;
}

/* argv must be the policy's command and its args, one for one. */
static enum fault_code read_argv(struct fields *process, struct json_object *runtime,
				 struct plan *plan, struct fault *fault)
{
	struct json_object *args = member(runtime, "args");
	struct json_object *list = member(process->object, "argv");
	enum fault_code code;

	plan->argv = plan->argv_space;
	code = read_strings(process, "argv", plan->argv, PLAN_ARG_MAX, &plan->arg_count, plan,
			    fault);
	if (code != FAULT_NONE)
		return code;
	if (plan->arg_count == 0 || plan->argv[0][0] == '\0')
		return fault_set(fault, CODE, "processPlan.argv", "must start with a command");
	if (strlen(plan->argv[0]) >= PLAN_PATH_MAX)
		return fault_set(fault, CODE, "processPlan.argv[0]", "is no path: it is too long");
	if (!json_object_equal(json_object_array_get_idx(list, 0), member(runtime, "command")))
		return disagree("processPlan.argv[0]", "runtime.command", fault);
	if (!json_object_is_type(args, json_type_array) ||
	    json_object_array_length(args) != plan->arg_count - 1)
		return disagree("processPlan.argv", "runtime.args", fault);
	for (size_t i = 1; i < plan->arg_count; i++)
		if (!json_object_equal(json_object_array_get_idx(list, i),
				       json_object_array_get_idx(args, i - 1)))
			return disagree("processPlan.argv", "runtime.args", fault);
	return FAULT_NONE;
}

/* Every variable the policy sets is there with its value; three defaults may be beside them. */
static bool env_known(struct json_object *env, const char *name, size_t len, const char *value)
{
	static const char *const defaults[] = {"PATH", "HOME", "LANG"};

	json_object_object_foreach(env, key, wanted)
	{
		if (strlen(key) == len && memcmp(key, name, len) == 0)
			return json_object_is_type(wanted, json_type_string) &&
			       strcmp(json_object_get_string(wanted), value) == 0;
	}
	for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
		if (strlen(defaults[i]) == len && memcmp(defaults[i], name, len) == 0)
			return true;
	return false;
}

/* Sorted by name, so no name comes twice. */
static bool name_before(const char *left, const char *right)
{
	size_t left_len = strcspn(left, "=");
	size_t right_len = strcspn(right, "=");
	int order = memcmp(left, right, left_len < right_len ? left_len : right_len);

	return order < 0 || (order == 0 && left_len < right_len);
}

static enum fault_code read_env(struct fields *process, struct json_object *runtime,
				struct plan *plan, struct fault *fault)
{
	struct json_object *env = member(runtime, "env");
	size_t count = 0, from_policy = 0;
	enum fault_code code;

	plan->envp = plan->envp_space;
	code = read_strings(process, "env", plan->envp, PLAN_ENV_MAX, &count, plan, fault);
	if (code != FAULT_NONE)
		return code;
	if (!json_object_is_type(env, json_type_object))
		return fault_set(fault, CODE, "policy.runtime.env", "must be an object");
	for (size_t i = 0; i < count; i++) {
		const char *text = plan->envp[i];
		size_t len = strcspn(text, "=");

		if (len == 0 || text[len] != '=' ||
		    (i > 0 && !name_before(plan->envp[i - 1], text)))
			return fault_set(fault, CODE, "processPlan.env",
					 "must be NAME=VALUE entries sorted by name; entry %zu is "
					 "not",
					 i);
		if (!env_known(env, text, len, text + len + 1))
			return disagree("processPlan.env", "runtime.env", fault);
	}
	json_object_object_foreach(env, key, value)
	{
		size_t len = strlen(key);

		(void)value;
		for (size_t i = 0; i < count; i++)
			if (strncmp(plan->envp[i], key, len) == 0 && plan->envp[i][len] == '=')
				from_policy++;
	}
	if (from_policy != (size_t)json_object_object_length(env))
		return disagree("processPlan.env", "runtime.env", fault);
	return FAULT_NONE;
}

static enum fault_code read_limits(struct fields *process, struct plan *plan, struct fault *fault)
{
	static const struct plan_limit known[PLAN_LIMIT_COUNT] = {
		{RLIMIT_CORE, "core", "Max core file size", 0},
		{RLIMIT_NOFILE, "nofile", "Max open files", 1 << 20},
		{RLIMIT_MEMLOCK, "memlock", "Max locked memory", 1 << 30},
		{RLIMIT_MSGQUEUE, "msgqueue", "Max msgqueue size", 1 << 20},
	};
	struct fields limits;
	int64_t value = 0;
	enum fault_code code = fields_enter(process, "limits", &limits, fault);

	for (size_t i = 0; code == FAULT_NONE && i < PLAN_LIMIT_COUNT; i++) {
		code = fields_integer(&limits, known[i].name, 0, (int64_t)known[i].value, &value,
				      fault);
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

/* device and inode are decimal strings: they may pass 2^53. */
static enum fault_code read_decimal(struct fields *fields, const char *name, uint64_t *out,
				    struct fault *fault)
{
	char path[FAULT_PATH_SIZE], again[24];
	const char *text = "";
	enum fault_code code = fields_string(fields, name, &text, fault);

	if (code != FAULT_NONE)
		return code;
	*out = 0;
	for (const char *digit = text; *digit >= '0' && *digit <= '9'; digit++)
		*out = *out * 10 + (uint64_t)(*digit - '0');
	/* Printing it again refuses signs, leading zeros, overflow and everything else at once. */
	(void)snprintf(again, sizeof again, "%" PRIu64, *out);
	if (strcmp(again, text) == 0)
		return FAULT_NONE;
	field_path_name(path, sizeof path, fields->path, name);
	return fault_set(fault, CODE, path, "must be a decimal number");
}

static enum fault_code read_fact(struct json_object *value, size_t index, struct plan *plan,
				 struct fault *fault)
{
	struct plan_mount *mount = &plan->mounts[index];
	struct fields fact;
	const char *type = "";
	char path[FAULT_PATH_SIZE];
	enum fault_code code;

	field_path_index(path, sizeof path, "processPlan.mountFacts", index);
	code = fields_open(&fact, value, path, CODE, fault);
	if (code == FAULT_NONE)
		code = bundle_path(&fact, "path", plan, &mount->resolved, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fact, "type", &type, fault);
	if (code == FAULT_NONE)
		code = read_decimal(&fact, "device", &mount->identity.device, fault);
	if (code == FAULT_NONE)
		code = read_decimal(&fact, "inode", &mount->identity.inode, fault);
	if (code == FAULT_NONE)
		code = fields_close(&fact, fault);
	mount->identity.directory = strcmp(type, "directory") == 0;
	if (code == FAULT_NONE && !mount->identity.directory && strcmp(type, "file") != 0)
		code = fault_set(fault, CODE, path, "type must be directory or file");
	return code;
}

static enum fault_code read_facts(struct fields *process, struct plan *plan, struct fault *fault)
{
	struct json_object *list = NULL;
	enum fault_code code = fields_array(process, "mountFacts", PLAN_MOUNT_MAX, &list, fault);

	if (code == FAULT_NONE && json_object_array_length(list) != plan->mount_count)
		code = fault_set(fault, CODE, "processPlan.mountFacts",
				 "must have one entry for each of the %zu mounts",
				 plan->mount_count);
	for (size_t i = 0; code == FAULT_NONE && i < plan->mount_count; i++)
		code = read_fact(json_object_array_get_idx(list, i), i, plan, fault);
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
		struct json_object *wanted = member(member(policy, pairs[i].group), pairs[i].field);

		if (pairs[i].inner != NULL)
			wanted = member(wanted, pairs[i].inner);
		if (!json_object_equal(member(process->object, pairs[i].name), wanted)) {
			char policy_path[FAULT_PATH_SIZE];

			field_path_name(policy_path, sizeof policy_path, pairs[i].group,
					pairs[i].field);
			return disagree(pairs[i].path, policy_path, fault);
		}
	}
	return FAULT_NONE;
}

enum fault_code bundle_process_read(struct fields *top, struct json_object *policy,
				    struct plan *plan, struct fault *fault)
{
	struct json_object *runtime = member(policy, "runtime");
	struct fields process;
	enum fault_code code = fields_enter(top, "processPlan", &process, fault);

	if (code == FAULT_NONE)
		code = read_argv(&process, runtime, plan, fault);
	if (code == FAULT_NONE)
		code = read_env(&process, runtime, plan, fault);
	if (code == FAULT_NONE)
		code = read_limits(&process, plan, fault);
	if (code == FAULT_NONE)
		code = read_words(&process, plan, fault);
	if (code == FAULT_NONE)
		code = read_numbers(&process, plan, fault);
	if (code == FAULT_NONE)
		code = read_facts(&process, plan, fault);
	if (code == FAULT_NONE)
		code = bundle_root_read(&process, plan, fault);
	if (code == FAULT_NONE)
		code = fields_close(&process, fault);
	return code == FAULT_NONE ? compare(&process, policy, fault) : code;
}
