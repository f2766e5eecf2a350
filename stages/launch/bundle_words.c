/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/bundle_process.h"

#include "stages/launch/plan.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <string.h>

#define CODE FAULT_RUN_LAUNCH

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
enum fault_code bundle_argv(struct fields *process, struct json_object *runtime, struct plan *plan,
			    struct fault *fault)
{
	struct json_object *args = bundle_member(runtime, "args");
	struct json_object *list = bundle_member(process->object, "argv");
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
	if (!json_object_equal(json_object_array_get_idx(list, 0),
			       bundle_member(runtime, "command")))
		return bundle_disagree("processPlan.argv[0]", "runtime.command", fault);
	if (!json_object_is_type(args, json_type_array) ||
	    json_object_array_length(args) != plan->arg_count - 1)
		return bundle_disagree("processPlan.argv", "runtime.args", fault);
	for (size_t i = 1; i < plan->arg_count; i++)
		if (!json_object_equal(json_object_array_get_idx(list, i),
				       json_object_array_get_idx(args, i - 1)))
			return bundle_disagree("processPlan.argv", "runtime.args", fault);
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

enum fault_code bundle_env(struct fields *process, struct json_object *runtime, struct plan *plan,
			   struct fault *fault)
{
	struct json_object *env = bundle_member(runtime, "env");
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
			return bundle_disagree("processPlan.env", "runtime.env", fault);
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
		return bundle_disagree("processPlan.env", "runtime.env", fault);
	return FAULT_NONE;
}
