/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/normalize.h"

#include "ipc/object.h"
#include "stages/validate/mount.h"
#include "stages/validate/output.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

static void add_limit(struct json_object *object, const char *name, const struct value_limit *limit)
{
	if (limit->unlimited)
		object_add_string(object, name, "max");
	else
		object_add_integer(object, name, limit->number);
}

static void add_max(struct json_object *resources, const char *name,
		    const struct value_limit *limit)
{
	struct json_object *object = object_new();

	add_limit(object, "max", limit);
	object_add(resources, name, object);
}

static struct json_object *normalize_cpu(const struct value_cpu *cpu)
{
	struct json_object *object = object_new();
	char text[48];

	if (cpu->quota_us.unlimited)
		snprintf(text, sizeof(text), "max %" PRId64, cpu->period_us);
	else
		snprintf(text, sizeof(text), "%" PRId64 " %" PRId64, cpu->quota_us.number,
			 cpu->period_us);
	object_add_string(object, "max", text);
	return object;
}

static struct json_object *normalize_resources(const struct policy *policy)
{
	struct json_object *resources = object_new();

	object_add(resources, "cpu", normalize_cpu(&policy->cpu));
	add_max(resources, "memory", &policy->memory);
	add_max(resources, "pids", &policy->pids);
	add_max(resources, "disk", &policy->disk);
	add_max(resources, "output", &policy->output);
	return resources;
}

static struct json_object *normalize_runtime(const struct runtime *runtime)
{
	struct json_object *object = object_new();
	struct json_object *args = array_new();
	struct json_object *env = object_new();

	for (size_t i = 0; i < runtime->args.count; i++)
		array_append_string(args, runtime->args.items[i]);
	for (size_t i = 0; i < runtime->env_count; i++)
		object_add_string(env, runtime->env[i].name, runtime->env[i].value);
	object_add_string(object, "command", runtime->command);
	object_add(object, "args", args);
	object_add(object, "env", env);
	object_add_string(object, "workdir", runtime->workdir);
	add_limit(object, "timeoutSec", &runtime->timeout_sec);
	object_add_string(object, "isolation", runtime_isolation_names[runtime->isolation]);
	object_add_string(object, "seccomp", runtime_seccomp_names[runtime->seccomp]);
	object_add_string(object, "stdin", runtime_stdin_names[runtime->stdin_mode]);
	if (runtime->rootfs != NULL)
		object_add_string(object, "rootfs", runtime->rootfs->path);
	else
		object_add_null(object, "rootfs");
	return object;
}

static struct json_object *normalize_network(const struct network *network)
{
	struct json_object *object = object_new();
	struct json_object *egress = array_new();
	const struct network_rule *rules = network->egress.items;

	for (size_t i = 0; i < network->egress.count; i++) {
		struct json_object *rule = object_new();

		object_add_string(rule, "protocol", network_protocol_names[rules[i].protocol]);
		add_limit(rule, "port", &rules[i].port);
		if (rules[i].host != NULL)
			object_add_string(rule, "host", rules[i].host);
		else
			object_add_string(rule, "cidr", rules[i].cidr);
		/* The default is left out: a policy that does not use it keeps its bytes. */
		if (rules[i].match != NETWORK_MATCH_ADDRESS)
			object_add_string(rule, "match", network_match_names[rules[i].match]);
		array_append(egress, rule);
	}
	object_add_string(object, "mode", network_mode_names[network->mode]);
	object_add(object, "egress", egress);
	return object;
}

static struct json_object *normalize_mounts(const struct schema_items *items)
{
	struct json_object *list = array_new();
	const struct mount *mounts = items->items;

	for (size_t i = 0; i < items->count; i++) {
		struct json_object *mount = object_new();

		object_add_string(mount, "source", mounts[i].source->path);
		object_add_string(mount, "target", mounts[i].target);
		object_add_bool(mount, "read_only", mounts[i].read_only);
		object_add_bool(mount, "noexec", mounts[i].noexec);
		array_append(list, mount);
	}
	return list;
}

static struct json_object *normalize_outputs(const struct schema_items *items)
{
	struct json_object *list = array_new();
	const struct output *outputs = items->items;

	for (size_t i = 0; i < items->count; i++) {
		struct json_object *output = object_new();

		object_add_string(output, "path", outputs[i].path);
		add_limit(output, "maxBytes", &outputs[i].max_bytes);
		add_limit(output, "maxFiles", &outputs[i].max_files);
		array_append(list, output);
	}
	return list;
}

static struct json_object *object_of_string(const char *name, const char *text)
{
	struct json_object *object = object_new();

	object_add_string(object, name, text);
	return object;
}

struct json_object *normalize_policy(const struct policy *policy)
{
	struct json_object *object = object_new();

	object_add_string(object, "apiVersion", POLICY_API_VERSION);
	object_add(object, "metadata", object_of_string("name", policy->name));
	object_add(object, "runtime", normalize_runtime(&policy->runtime));
	object_add(object, "resources", normalize_resources(policy));
	object_add(object, "network", normalize_network(&policy->network));
	object_add(object, "mounts", normalize_mounts(&policy->mounts));
	object_add(object, "outputs", normalize_outputs(&policy->outputs));
	object_add(object, "audit", object_of_string("level", policy_audit_names[policy->audit]));
	return object;
}
