/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/compile/process_plan.h"

#include "ipc/buf.h"
#include "ipc/object.h"
#include "ipc/sort.h"
#include "stages/compile/host_facts.h"
#include "stages/compile/policy.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define DEFAULT_LANG "C.UTF-8"
#define HOST_NAME    "safe-run"

#define LIMIT_NOFILE 4096
/*
 * No core, not even to the program in core_pattern: with 0 the kernel still starts that one, as
 * root on the host, and takes 1 alone as "none at all" (fs/coredump.c). No ELF core fits into one
 * byte.
 */
#define LIMIT_CORE    1
#define LIMIT_MEMLOCK 65536

/* PATH, HOME and LANG are always there; a policy that names one of them decides its value. */
#define ENV_DEFAULT_COUNT 3

struct variable {
	const char *name;
	const char *value;
};

static int compare_variables(const void *left, const void *right, void *context)
{
	(void)context;
	return strcmp(((const struct variable *)left)->name,
		      ((const struct variable *)right)->name);
}

static size_t collect_env(const struct policy *policy, struct variable *variables)
{
	const struct variable defaults[ENV_DEFAULT_COUNT] = {
		{"PATH", DEFAULT_PATH},
		{"HOME", policy->workdir},
		{"LANG", DEFAULT_LANG},
	};
	size_t count = 0;

	json_object_object_foreach(policy->env, name, value)
	{
		variables[count++] = (struct variable){name, json_object_get_string(value)};
	}
	for (size_t i = 0; i < ENV_DEFAULT_COUNT; i++)
		if (!json_object_object_get_ex(policy->env, defaults[i].name, NULL))
			variables[count++] = defaults[i];
	return count;
}

static struct json_object *make_env(const struct policy *policy)
{
	size_t most = (size_t)json_object_object_length(policy->env) + ENV_DEFAULT_COUNT;
	struct variable *variables = calloc(most, sizeof(*variables));
	struct json_object *env = array_new();
	struct buf text BUF_CLEANUP;
	size_t count;

	if (variables == NULL)
		buf_no_memory();
	buf_init(&text, INT_MAX);
	count = collect_env(policy, variables);
	sort_items(variables, count, sizeof(*variables), compare_variables, NULL);
	for (size_t i = 0; i < count; i++) {
		buf_clear(&text);
		buf_append_text(&text, variables[i].name);
		buf_append(&text, "=", 1);
		buf_append_text(&text, variables[i].value);
		buf_append(&text, "", 1);
		array_append_string(env, text.data);
	}
	free(variables);
	return env;
}

static struct json_object *make_argv(const struct policy *policy)
{
	struct json_object *argv = array_new();
	size_t count = json_object_array_length(policy->args);

	array_append_string(argv, policy->command);
	for (size_t i = 0; i < count; i++)
		array_append(argv, json_object_get(json_object_array_get_idx(policy->args, i)));
	return argv;
}

static struct json_object *make_limits(void)
{
	struct json_object *limits = object_new();

	object_add_integer(limits, "core", LIMIT_CORE);
	object_add_integer(limits, "memlock", LIMIT_MEMLOCK);
	object_add_integer(limits, "msgqueue", 0);
	object_add_integer(limits, "nofile", LIMIT_NOFILE);
	return limits;
}

/* What a file holds, an image or an archive, its first bytes tell whoever reads it. */
static const char *root_kind(const char *layout)
{
	if (strcmp(layout, "directory") == 0)
		return "directory";
	return strcmp(layout, "oci-layout") == 0 ? "oci" : "image";
}

static struct json_object *make_root(const struct policy *policy, const struct host_facts *facts)
{
	static const char *const identity[] = {"device", "inode", "type"};
	struct json_object *root = object_new();

	if (policy->rootfs == NULL) {
		object_add(root, "entries", host_facts_root_entries(facts));
		object_add_string(root, "kind", "host");
		object_add_null(root, "path");
		return root;
	}
	object_add(root, "entries", array_new());
	object_add_string(
		root, "kind",
		root_kind(json_object_get_string(json_object_object_get(facts->rootfs, "layout"))));
	object_add_string(root, "path", policy->rootfs);
	for (size_t i = 0; i < sizeof(identity) / sizeof(identity[0]); i++)
		object_add_shared(root, identity[i],
				  json_object_object_get(facts->rootfs, identity[i]));
	return root;
}

struct json_object *process_plan_make(const struct policy *policy, const struct host_facts *facts)
{
	struct json_object *plan = object_new();

	object_add(plan, "argv", make_argv(policy));
	object_add_string(plan, "cwd", policy->workdir);
	object_add_integer(plan, "diskMax", policy->disk_max);
	object_add(plan, "env", make_env(policy));
	object_add_string(plan, "hostname", HOST_NAME);
	object_add(plan, "limits", make_limits());
	object_add_shared(plan, "mountAllowlist", facts->allowlist);
	object_add_shared(plan, "mountFacts", facts->mounts);
	object_add_integer(plan, "outputMax", policy->output_max);
	object_add_shared(plan, "outputs", policy->outputs);
	object_add(plan, "root", make_root(policy, facts));
	object_add_string(plan, "seccomp", policy->seccomp);
	object_add_string(plan, "stdin", policy->stdin_mode);
	object_add_integer(plan, "timeoutSec", policy->timeout_s);
	return plan;
}

static void add_limit(struct json_object *object, const char *name, int64_t limit)
{
	if (limit == POLICY_UNLIMITED)
		object_add_string(object, name, "max");
	else
		object_add_integer(object, name, limit);
}

struct json_object *cgroup_plan_make(const struct policy *policy)
{
	struct json_object *plan = object_new();
	struct json_object *cpu = object_new();
	struct json_object *memory = object_new();
	struct json_object *pids = object_new();

	object_add_string(cpu, "max", policy->cpu_max);
	object_add(plan, "cpu", cpu);
	add_limit(memory, "max", policy->memory_max);
	/* Swap would let a run use more than it was given. */
	object_add_integer(memory, "swapMax", 0);
	object_add(plan, "memory", memory);
	add_limit(pids, "max", policy->pids_max);
	object_add(plan, "pids", pids);
	return plan;
}
