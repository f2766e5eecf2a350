/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/compile/policy.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "stages/compile/policy_part.h"

#include <json-c/json.h>
#include <string.h>

#define TIMEOUT_MAX_S	 604800 /* a week */
#define OUTPUT_FILES_MAX 1000000

static enum fault_code refuse(const struct fields *fields, const char *name, const char *why,
			      struct fault *fault)
{
	char path[FAULT_PATH_SIZE];

	field_path_name(path, sizeof(path), fields->path, name);
	return fault_set(fault, fields->code, path, "%s", why);
}

static enum fault_code read_path(struct fields *fields, const char *name, const char **out,
				 struct fault *fault)
{
	enum fault_code code = fields_string(fields, name, out, fault);

	if (code == FAULT_NONE && (*out)[0] != '/')
		return refuse(fields, name, "the path must be absolute", fault);
	return code;
}

static enum fault_code read_choice(struct fields *fields, const char *name,
				   const char *const *choices, size_t count, const char **out,
				   struct fault *fault)
{
	enum fault_code code = fields_string(fields, name, out, fault);

	if (code != FAULT_NONE)
		return code;
	for (size_t i = 0; i < count; i++)
		if (strcmp(*out, choices[i]) == 0)
			return FAULT_NONE;
	return refuse(fields, name, "the value is none of those the field knows", fault);
}

static enum fault_code read_args(struct fields *runtime, struct policy *policy, struct fault *fault)
{
	enum fault_code code = fields_array(runtime, "args", POLICY_ARGS_MAX, &policy->args, fault);
	size_t count;

	if (code != FAULT_NONE)
		return code;
	count = json_object_array_length(policy->args);
	for (size_t i = 0; i < count; i++)
		if (!json_object_is_type(json_object_array_get_idx(policy->args, i),
					 json_type_string))
			return refuse(runtime, "args", "every argument must be a string", fault);
	return FAULT_NONE;
}

static enum fault_code read_env(struct fields *runtime, struct policy *policy, struct fault *fault)
{
	enum fault_code code = fields_any(runtime, "env", &policy->env, fault);

	if (code != FAULT_NONE)
		return code;
	if (!json_object_is_type(policy->env, json_type_object))
		return refuse(runtime, "env", "the field must be an object", fault);
	if (json_object_object_length(policy->env) > POLICY_ENV_MAX)
		return refuse(runtime, "env", "there are too many variables", fault);
	json_object_object_foreach(policy->env, name, value)
	{
		if (name[0] == '\0' || strchr(name, '=') != NULL)
			return refuse(runtime, "env", "a name is empty or holds '='", fault);
		if (!json_object_is_type(value, json_type_string))
			return refuse(runtime, "env", "every value must be a string", fault);
	}
	return FAULT_NONE;
}

static enum fault_code read_choices(struct fields *runtime, struct policy *policy,
				    struct fault *fault)
{
	static const char *const isolations[] = {"process", "microvm"};
	static const char *const profiles[] = {"standard", "strict", "standard-net"};
	static const char *const stdin_modes[] = {"inherit", "none"};
	const char *isolation;
	enum fault_code code = read_choice(runtime, "isolation", isolations, 2, &isolation, fault);

	if (code == FAULT_NONE)
		code = read_choice(runtime, "seccomp", profiles, 3, &policy->seccomp, fault);
	if (code == FAULT_NONE)
		code = read_choice(runtime, "stdin", stdin_modes, 2, &policy->stdin_mode, fault);
	if (code == FAULT_NONE)
		policy->isolation =
			strcmp(isolation, "microvm") == 0 ? POLICY_MICROVM : POLICY_PROCESS;
	return code;
}

static enum fault_code read_command(struct fields *runtime, struct policy *policy,
				    struct fault *fault)
{
	enum fault_code code = fields_string(runtime, "command", &policy->command, fault);

	if (code == FAULT_NONE && policy->command[0] == '\0')
		return refuse(runtime, "command", "the command is empty", fault);
	return code;
}

static enum fault_code read_runtime(struct fields *top, struct policy *policy, struct fault *fault)
{
	struct fields runtime;
	enum fault_code code = fields_enter(top, "runtime", &runtime, fault);

	if (code == FAULT_NONE)
		code = read_command(&runtime, policy, fault);
	if (code == FAULT_NONE)
		code = read_args(&runtime, policy, fault);
	if (code == FAULT_NONE)
		code = read_env(&runtime, policy, fault);
	if (code == FAULT_NONE)
		code = read_choices(&runtime, policy, fault);
	if (code == FAULT_NONE && !fields_null(&runtime, "rootfs"))
		code = read_path(&runtime, "rootfs", &policy->rootfs, fault);
	if (code == FAULT_NONE)
		code = read_path(&runtime, "workdir", &policy->workdir, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&runtime, "timeoutSec", 1, TIMEOUT_MAX_S, &policy->timeout_s,
				      fault);
	return code != FAULT_NONE ? code : fields_close(&runtime, fault);
}

static enum fault_code read_mount(struct json_object *value, size_t index, struct fault *fault)
{
	char path[FAULT_PATH_SIZE];
	struct fields mount;
	const char *text;
	bool flag;
	enum fault_code code;

	field_path_index(path, sizeof(path), "mounts", index);
	code = fields_open(&mount, value, path, FAULT_COMPILE_MAPPING, fault);
	if (code == FAULT_NONE)
		code = fields_bool(&mount, "noexec", &flag, fault);
	if (code == FAULT_NONE)
		code = fields_bool(&mount, "read_only", &flag, fault);
	if (code == FAULT_NONE)
		code = read_path(&mount, "source", &text, fault);
	if (code == FAULT_NONE)
		code = read_path(&mount, "target", &text, fault);
	return code != FAULT_NONE ? code : fields_close(&mount, fault);
}

static enum fault_code read_mounts(struct fields *top, struct policy *policy, struct fault *fault)
{
	enum fault_code code =
		fields_array(top, "mounts", POLICY_MOUNTS_MAX, &policy->mounts, fault);

	if (code != FAULT_NONE)
		return code;
	policy->mount_count = json_object_array_length(policy->mounts);
	for (size_t i = 0; i < policy->mount_count && code == FAULT_NONE; i++)
		code = read_mount(json_object_array_get_idx(policy->mounts, i), i, fault);
	return code;
}

static enum fault_code read_output(struct json_object *value, size_t index, struct fault *fault)
{
	char path[FAULT_PATH_SIZE];
	struct fields output;
	const char *text;
	int64_t number;
	enum fault_code code;

	field_path_index(path, sizeof(path), "outputs", index);
	code = fields_open(&output, value, path, FAULT_COMPILE_MAPPING, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&output, "maxBytes", 1, CANON_INTEGER_MAX, &number, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&output, "maxFiles", 1, OUTPUT_FILES_MAX, &number, fault);
	if (code == FAULT_NONE)
		code = read_path(&output, "path", &text, fault);
	return code != FAULT_NONE ? code : fields_close(&output, fault);
}

static enum fault_code read_outputs(struct fields *top, struct policy *policy, struct fault *fault)
{
	enum fault_code code =
		fields_array(top, "outputs", POLICY_OUTPUTS_MAX, &policy->outputs, fault);
	size_t count = code == FAULT_NONE ? json_object_array_length(policy->outputs) : 0;

	for (size_t i = 0; i < count && code == FAULT_NONE; i++)
		code = read_output(json_object_array_get_idx(policy->outputs, i), i, fault);
	return code;
}

static enum fault_code read_names(struct fields *top, struct policy *policy, struct fault *fault)
{
	static const char *const levels[] = {"basic", "full"};
	struct fields part;
	enum fault_code code = fields_enter(top, "metadata", &part, fault);

	if (code == FAULT_NONE)
		code = fields_string(&part, "name", &policy->name, fault);
	if (code == FAULT_NONE)
		code = fields_close(&part, fault);
	if (code == FAULT_NONE)
		code = fields_enter(top, "audit", &part, fault);
	if (code == FAULT_NONE)
		code = read_choice(&part, "level", levels, 2, &policy->audit_level, fault);
	return code != FAULT_NONE ? code : fields_close(&part, fault);
}

enum fault_code policy_read(struct json_object *normalized, struct policy *policy,
			    struct fault *fault)
{
	struct fields top;
	enum fault_code code;

	*policy = (struct policy){0};
	code = fields_open(&top, normalized, "", FAULT_COMPILE_MAPPING, fault);
	if (code == FAULT_NONE)
		code = fields_literal(&top, "apiVersion", "policy.safe-run.dev/v1alpha1", fault);
	if (code == FAULT_NONE)
		code = read_names(&top, policy, fault);
	if (code == FAULT_NONE)
		code = read_runtime(&top, policy, fault);
	if (code == FAULT_NONE)
		code = policy_read_resources(&top, policy, fault);
	if (code == FAULT_NONE)
		code = policy_read_network(&top, policy, fault);
	if (code == FAULT_NONE)
		code = read_mounts(&top, policy, fault);
	if (code == FAULT_NONE)
		code = read_outputs(&top, policy, fault);
	return code != FAULT_NONE ? code : fields_close(&top, fault);
}
