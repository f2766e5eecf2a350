/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/object.h"
#include "stages/launch/launch.h"
#include "stages/launch/machine_part.h"
#include "stages/launch/network_machine.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define CODE	  FAULT_RUN_LAUNCH
#define PATH	  "launch.machine.job"
#define SEED_SIZE 32

static struct json_object *words(char *const *list)
{
	struct json_object *array = array_new();

	for (; *list != NULL; list++)
		array_append_string(array, *list);
	return array;
}

static struct json_object *limits(const struct machine_job *job)
{
	struct json_object *object = object_new();

	for (size_t i = 0; i < PLAN_LIMIT_COUNT; i++)
		object_add_integer(object, job->limits[i].name, (int64_t)job->limits[i].value);
	return object;
}

static struct json_object *mounts(const struct launch *launch)
{
	const struct machine *machine = launch->machine;
	struct json_object *array = array_new();

	for (size_t i = 0; i < machine->job.mount_count; i++) {
		const struct plan_mount *mount = &launch->plan->mounts[i];
		struct json_object *object = object_new();
		size_t volume = machine->mounts[i].volume;
		char device[8];

		(void)snprintf(device, sizeof device, "vd%c", (int)('b' + volume));
		object_add_string(object, "device", device);
		object_add_string(object, "fstype", machine->volumes[volume].format);
		object_add_bool(object, "noexec", mount->noexec);
		object_add_string(object, "part", machine->mounts[i].part);
		object_add_string(object, "target", mount->target);
		array_append(array, object);
	}
	return array;
}

static struct json_object *outputs(const struct plan *plan)
{
	struct json_object *array = array_new();

	for (size_t i = 0; i < plan->output_count; i++) {
		struct json_object *object = object_new();

		object_add_integer(object, "maxBytes", (int64_t)plan->outputs[i].max_bytes);
		object_add_integer(object, "maxFiles", (int64_t)plan->outputs[i].max_files);
		object_add_string(object, "path", plan->outputs[i].path);
		array_append(array, object);
	}
	return array;
}

static struct json_object *root(const struct machine *machine)
{
	struct json_object *object = object_new();

	object_add_string(object, "device", "vda");
	object_add_string(object, "fstype", machine->rootfs.format);
	return object;
}

static void add_limit(struct json_object *job, const char *name, bool set, uint64_t value)
{
	if (set)
		object_add_integer(job, name, (int64_t)value);
	else
		object_add_null(job, name);
}

/* A machine has the same start each time, from the same images: this is what differs. */
static enum fault_code add_seed(struct json_object *job, struct fault *fault)
{
	uint8_t bytes[SEED_SIZE];
	char text[2 * SEED_SIZE + 1];
	struct timespec now;

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot get random bytes");
	for (size_t i = 0; i < sizeof bytes; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	object_add_string(job, "seed", text);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	object_add_decimal(job, "timeNs",
			   (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
	return FAULT_NONE;
}

enum fault_code machine_job(const struct launch *launch, struct json_object **out,
			    struct fault *fault)
{
	const struct machine_job *job = &launch->machine->job;
	struct json_object *record OBJECT_CLEANUP = object_new();
	const struct cgroup_limits *cgroup = &job->cgroup_limits;

	object_add(record, "argv", words(job->argv));
	object_add_string(record, "cwd", job->cwd);
	object_add_integer(record, "diskMax", (int64_t)launch->plan->disk_max);
	object_add(record, "env", words(job->envp));
	/* As in process isolation: the files of mounts and roots are whose they are there. */
	object_add_integer(record, "gid", launch->plan->gid);
	object_add_string(record, "hostname", job->hostname);
	object_add(record, "limits", limits(job));
	add_limit(record, "memoryMax", cgroup->memory_set, cgroup->memory_max);
	object_add(record, "mounts", mounts(launch));
	object_add(record, "network", network_machine_job(launch));
	object_add(record, "outputs", outputs(launch->plan));
	add_limit(record, "pidsMax", cgroup->pids_set, cgroup->pids_max);
	object_add(record, "root", root(launch->machine));
	object_add_string(record, "schemaVersion", "safe-run.guest-job/v1");
	object_add_string(record, "seccomp", job->seccomp);
	object_add_bool(record, "stdin", launch->machine->stdin_fd >= 0 && !job->stdin_none);
	object_add_string(record, "type", "job");
	object_add_integer(record, "uid", launch->plan->uid);
	object_add_string(record, "workdir", job->cwd);
	if (add_seed(record, fault) != FAULT_NONE)
		return fault->code;
	*out = object_take(&record);
	return FAULT_NONE;
}
