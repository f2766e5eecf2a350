/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/firecracker.h"

#include "ipc/object.h"
#include "stages/launch/launch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.jail"

static struct json_object *source(const char *name, const char *path,
				  const struct plan_identity *identity)
{
	struct json_object *object = object_new();

	object_add_decimal(object, "device", identity->device);
	object_add_decimal(object, "inode", identity->inode);
	if (name != NULL)
		object_add_string(object, "name", name);
	object_add_string(object, "source", path);
	return object;
}

static struct json_object *image(const char *name, const struct machine_file *file)
{
	struct json_object *object = source(name, file->source, &file->identity);

	object_add_string(object, "hash", file->hash);
	return object;
}

static struct json_object *files(const struct machine *machine)
{
	struct json_object *array = array_new();

	array_append(array, image("vmlinux", &machine->kernel));
	array_append(array, image("initrd", &machine->initramfs));
	array_append(array, image("rootfs.img", &machine->rootfs));
	for (size_t i = 0; i < machine->volume_count; i++) {
		char name[32];

		(void)snprintf(name, sizeof name, "mount_%zu.img", i);
		array_append(array, image(name, &machine->volumes[i]));
	}
	return array;
}

/*
 * jailer puts the machine into a cgroup of its own below the run's, never beside it: that one holds
 * the limits, and a run stays within its caller's (RG3). Of version 1 the processor's alone, for an
 * OOM kill is counted where it happens and nowhere above (memcontrol.c, memcg_memory_event); in the
 * run's other cgroups jailer is started.
 */
static struct json_object *cgroup(const struct launch *launch)
{
	const struct cgroup_limits *limits = &launch->plan->cgroup_limits;
	bool second = launch->cgroup.dir_fd[CGROUP_UNIFIED] >= 0;
	const char *path = launch->cgroup.paths[second ? CGROUP_UNIFIED : CGROUP_CPU];
	const char *parent = second ? path : strchr(path, '/');
	struct json_object *object, *settings;

	if ((!second && (launch->cgroup.dir_fd[CGROUP_CPU] < 0 || !limits->cpu_set)) ||
	    parent == NULL)
		return NULL;
	object = object_new();
	settings = array_new();
	object_add_string(object, "parent", second ? parent : parent + 1);
	object_add(object, "settings", settings);
	object_add_integer(object, "version", second ? 2 : 1);
	if (!second) {
		firecracker_setting(settings, "cpu.cfs_period_us", "%" PRIu64,
				    limits->cpu_period_us);
		firecracker_setting(settings, "cpu.cfs_quota_us", "%" PRIu64, limits->cpu_quota_us);
		return object;
	}
	firecracker_setting(settings, "memory.max", "%" PRIu64, limits->memory_max);
	if (limits->cpu_set)
		firecracker_setting(settings, "cpu.max", "%" PRIu64 " %" PRIu64,
				    limits->cpu_quota_us, limits->cpu_period_us);
	return object;
}

enum fault_code firecracker_ask(struct launch *launch, struct fault *fault)
{
	struct machine *machine = launch->machine;
	const struct firecracker *firecracker = &machine->firecracker;
	struct json_object *request OBJECT_CLEANUP = object_new();
	struct json_object *config = NULL, *limits = NULL;
	int fds[CGROUP_HIERARCHY_COUNT];
	size_t count = 0;
	enum fault_code code = firecracker_config(launch, &config, fault);

	if (code != FAULT_NONE)
		return code;
	if (!digest_json(config, machine->command_line_hash))
		code = fault_set(fault, CODE, PATH, "the configuration has no canonical form");
	object_add(request, "config", config);
	if (code == FAULT_NONE && machine->firecracker.snapshot && !firecracker_key(launch, config))
		code = fault_set(fault, CODE, PATH, "the machine has no canonical form");
	if (code == FAULT_NONE)
		code = firecracker_limits(launch, &limits, fault);
	if (code != FAULT_NONE)
		return code;
	object_add(request, "limits", limits);
	object_add(request, "cgroup", cgroup(launch));
	object_add(request, "files", files(machine));
	object_add(request, "firecracker", source(NULL, machine->vmm_path, &firecracker->vmm));
	object_add_string(request, "id", launch->events.run_id);
	object_add(request, "jailer", source(NULL, firecracker->jailer_path, &firecracker->jailer));
	object_add_string(request, "schemaVersion", "safe-run.jail-request/v1");
	if (firecracker->snapshot)
		object_add_string(request, "snapshot", firecracker->key);
	else
		object_add_null(request, "snapshot");
	object_add_integer(request, "uid", launch->plan->uid);
	for (size_t i = 0; i < CGROUP_HIERARCHY_COUNT; i++)
		if (launch->cgroup.tasks_fd[i] >= 0)
			fds[count++] = launch->cgroup.tasks_fd[i];
	return jail_ask(launch->init_fd, request, fds, count, fault);
}
