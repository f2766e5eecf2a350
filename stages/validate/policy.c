/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/policy.h"

#include "ipc/canon.h"
#include "stages/validate/mount.h"
#include "stages/validate/output.h"
#include "stages/validate/path.h"

#include <stddef.h>
#include <string.h>

#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define KIB	       ((int64_t)1 << 10)
#define MIB	       ((int64_t)1 << 20)
#define PIDS_MAX       4194304 /* the kernel's PID_MAX_LIMIT on 64 bits */
#define SIZE_MAX_WORDS " to 2^53-1 bytes"

const char *const policy_audit_names[POLICY_AUDIT_COUNT] = {
	[POLICY_AUDIT_BASIC] = "basic",
	[POLICY_AUDIT_FULL] = "full",
};

static void read_name(const struct site *site, const void *rule, void *value)
{
	static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					 "0123456789._-";
	const char *text = value_text(site);
	size_t len;

	(void)rule;
	if (text == NULL)
		return;
	len = strspn(text, characters);
	if (len == 0 || len > 63 || text[len] != '\0' || strchr("._-", text[0]) != NULL)
		site_refuse(site, site->code,
			    "the name '%.64s' is not 1 to 63 letters, digits, '.', '_' or '-', a "
			    "letter or digit first",
			    text);
	else
		*(const char **)value = text;
}

static const struct value_range memory_range = {.min = 4 * MIB,
						.max = CANON_INTEGER_MAX,
						.size = true,
						.unlimited = true,
						.words = "4Mi" SIZE_MAX_WORDS};
static const struct value_range disk_range = {
	.min = 64 * KIB, .max = CANON_INTEGER_MAX, .size = true, .words = "64Ki" SIZE_MAX_WORDS};
/* 0 would be read as "no limit" by half of its readers and as "nothing" by the others. */
static const struct value_range output_range = {
	.min = 1, .max = CANON_INTEGER_MAX, .size = true, .words = "1" SIZE_MAX_WORDS};
static const struct value_range pids_range = {
	.min = 1, .max = PIDS_MAX, .unlimited = true, .words = "1 to 4194304"};
static const struct value_choice audits = {policy_audit_names, POLICY_AUDIT_COUNT};

static const struct schema_field metadata_fields[] = {
	{.name = "name",
	 .required = true,
	 .example = "name: my-job",
	 .offset = offsetof(struct policy, name),
	 .read = read_name},
};
static const struct schema metadata_schema = {metadata_fields, COUNT(metadata_fields), 0, NULL};

static const struct schema_field cpu_fields[] = {
	{.name = "max",
	 .required = true,
	 .example = "max: 100000 100000",
	 .offset = offsetof(struct policy, cpu),
	 .read = value_cpu},
};
static const struct schema cpu_schema = {cpu_fields, COUNT(cpu_fields), 0, NULL};

static const struct schema_field memory_fields[] = {
	{.name = "max",
	 .required = true,
	 .example = "max: 256Mi",
	 .offset = offsetof(struct policy, memory),
	 .read = value_number,
	 .rule = &memory_range},
};
static const struct schema memory_schema = {memory_fields, COUNT(memory_fields), 0, NULL};

static const struct schema_field pids_fields[] = {
	{.name = "max",
	 .example = "max: 256",
	 .offset = offsetof(struct policy, pids),
	 .read = value_number,
	 .rule = &pids_range},
};
static const struct schema pids_schema = {pids_fields, COUNT(pids_fields), 0, NULL};

static const struct schema_field disk_fields[] = {
	{.name = "max",
	 .example = "max: 64Mi",
	 .offset = offsetof(struct policy, disk),
	 .read = value_number,
	 .rule = &disk_range},
};
static const struct schema disk_schema = {disk_fields, COUNT(disk_fields), 0, NULL};

static const struct schema_field output_fields[] = {
	{.name = "max",
	 .example = "max: 64Mi",
	 .offset = offsetof(struct policy, output),
	 .read = value_number,
	 .rule = &output_range},
};
static const struct schema output_schema = {output_fields, COUNT(output_fields), 0, NULL};

static const struct schema_field resources_fields[] = {
	{.name = "cpu",
	 .required = true,
	 .example = "cpu: {max: 100000 100000}",
	 .read = schema_object,
	 .rule = &cpu_schema},
	{.name = "memory",
	 .required = true,
	 .example = "memory: {max: 256Mi}",
	 .read = schema_object,
	 .rule = &memory_schema},
	{.name = "pids",
	 .example = "pids: {max: 256}",
	 .read = schema_object,
	 .rule = &pids_schema},
	{.name = "disk",
	 .example = "disk: {max: 64Mi}",
	 .read = schema_object,
	 .rule = &disk_schema},
	{.name = "output",
	 .example = "output: {max: 64Mi}",
	 .read = schema_object,
	 .rule = &output_schema},
};
static const struct schema resources_schema = {resources_fields, COUNT(resources_fields), 0, NULL};

static const struct schema_field audit_fields[] = {
	{.name = "level",
	 .required = true,
	 .example = "level: basic",
	 .offset = offsetof(struct policy, audit),
	 .read = value_choice,
	 .rule = &audits},
};
static const struct schema audit_schema = {audit_fields, COUNT(audit_fields), 0, NULL};

static const struct node *node_at(const struct site *site, const char *object, const char *field)
{
	const struct node *node = node_member(node_member(site->node, object), field);

	return node != NULL ? node : site->node;
}

/* The only filter with internet sockets is standard-net: rules under another would be idle. */
static void check_seccomp(const struct site *site, struct policy *policy)
{
	struct site runtime = site_member(site, "runtime", NULL);
	struct site seccomp = site_member(&runtime, "seccomp", node_at(site, "runtime", "seccomp"));
	const bool network = policy->network.mode == NETWORK_ALLOWLIST;

	if (policy->runtime.seccomp == RUNTIME_SECCOMP_COUNT)
		policy->runtime.seccomp = network ? RUNTIME_STANDARD_NET : RUNTIME_STANDARD;
	else if (network && policy->runtime.seccomp != RUNTIME_STANDARD_NET)
		site_refuse(&seccomp, FAULT_POLICY_CONFLICT,
			    "network.mode allowlist needs internet sockets, which '%s' denies; "
			    "write standard-net, or leave it out",
			    runtime_seccomp_names[policy->runtime.seccomp]);
}

/* The workdir is a private file system of its own: in a read-only mount there is no place for it,
 * and at a mount's target one would hide the other. */
static void check_workdir(const struct site *site, const struct policy *policy)
{
	struct site runtime = site_member(site, "runtime", NULL);
	struct site workdir = site_member(&runtime, "workdir", node_at(site, "runtime", "workdir"));
	const struct mount *mounts = policy->mounts.items;

	for (size_t i = 0; i < policy->mounts.count; i++)
		if (mounts[i].target != NULL &&
		    path_below(policy->runtime.workdir, mounts[i].target))
			site_refuse(&workdir, FAULT_POLICY_CONFLICT,
				    "the workdir '" SITE_TEXT
				    "' is mounts[%zu].target or below it, "
				    "which is read-only; choose another for one of them",
				    policy->runtime.workdir, i);
}

/* With everything audited the arguments go into one event. */
static void check_audit(const struct site *site, const struct policy *policy)
{
	struct site runtime = site_member(site, "runtime", NULL);
	struct site args = site_member(&runtime, "args", node_at(site, "runtime", "args"));
	const size_t total = runtime_args_text(&policy->runtime);

	if (policy->audit == POLICY_AUDIT_FULL && total > RUNTIME_TEXT_MAX &&
	    total <= RUNTIME_ARGS_TEXT_MAX)
		site_refuse(
			&args, FAULT_POLICY_CONFLICT,
			"command and args take %zu bytes with a NUL behind each; audit.level full "
			"repeats them in an event, which takes %zu of them: write basic, or put "
			"the data in a file",
			total, RUNTIME_TEXT_MAX);
}

static void warn_unlimited(const struct site *site, const char *field, const char *what)
{
	struct site resources = site_member(site, "resources", NULL);
	struct site object = site_member(&resources, field, NULL);
	struct site max = site_member(&object, "max", NULL);

	site_warn(&max, FAULT_POLICY_CONFLICT, "max means %s is bounded by the host alone", what);
}

static void check_policy(const struct site *site, void *base)
{
	struct policy *policy = base;

	check_seccomp(site, policy);
	check_workdir(site, policy);
	output_check(site, policy);
	check_audit(site, policy);
	if (policy->cpu.quota_us.unlimited)
		warn_unlimited(site, "cpu", "processor time");
	if (policy->memory.unlimited)
		warn_unlimited(site, "memory", "memory");
	if (policy->pids.unlimited)
		warn_unlimited(site, "pids", "the number of processes");
}

static const struct schema_field policy_fields[] = {
	{.name = "apiVersion",
	 .required = true,
	 .example = "apiVersion: " POLICY_API_VERSION,
	 .read = value_literal,
	 .rule = POLICY_API_VERSION},
	{.name = "metadata",
	 .required = true,
	 .example = "metadata: {name: my-job}",
	 .read = schema_object,
	 .rule = &metadata_schema},
	{.name = "runtime",
	 .required = true,
	 .example = "runtime: {command: /usr/bin/env, args: []}",
	 .offset = offsetof(struct policy, runtime),
	 .read = schema_object,
	 .rule = &runtime_schema},
	{.name = "resources",
	 .required = true,
	 .example = "resources: {cpu: {max: 100000 100000}, memory: {max: 256Mi}}",
	 .read = schema_object,
	 .rule = &resources_schema},
	{.name = "network",
	 .example = "network: {mode: none}",
	 .offset = offsetof(struct policy, network),
	 .read = schema_object,
	 .rule = &network_schema},
	{.name = "mounts",
	 .required = true,
	 .example = "mounts: []",
	 .offset = offsetof(struct policy, mounts),
	 .read = schema_items,
	 .rule = &mount_list},
	{.name = "outputs",
	 .example = "outputs: []",
	 .offset = offsetof(struct policy, outputs),
	 .read = schema_items,
	 .rule = &output_list},
	{.name = "audit",
	 .required = true,
	 .example = "audit: {level: basic}",
	 .read = schema_object,
	 .rule = &audit_schema},
};

const struct schema policy_schema = {
	.fields = policy_fields,
	.count = COUNT(policy_fields),
	.finish = check_policy,
};

void policy_read(struct reading *reading, struct policy *policy)
{
	struct site site = {.reading = reading, .node = reading->document->root};

	*policy = (struct policy){
		.runtime = {.workdir = "/work",
			    .timeout_sec = {.number = 300},
			    .seccomp = RUNTIME_SECCOMP_COUNT},
		.pids = {.number = 256},
		.disk = {.number = 64 * MIB},
		.output = {.number = 64 * MIB},
	};
	schema_object(&site, &policy_schema, policy);
}
