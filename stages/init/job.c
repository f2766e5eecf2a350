/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/init/job.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "sandbox/sandbox.h"

#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define CODE	FAULT_RUN_LAUNCH
#define PATH	"job"
#define ID_MAX	INT32_MAX
#define TIMEOUT 604800 /* the host's launcher holds the deadline */

static const char *keep(struct plan *plan, struct json_object *value)
{
	return json_object_is_type(value, json_type_string)
		       ? plan_text(plan, json_object_get_string(value))
		       : NULL;
}

static enum fault_code keep_text(struct fields *fields, const char *name, struct plan *plan,
				 const char **out, struct fault *fault)
{
	const char *text;
	enum fault_code code = fields_string(fields, name, &text, fault);

	if (code != FAULT_NONE)
		return code;
	*out = plan_text(plan, text);
	return *out != NULL ? FAULT_NONE : fault_set(fault, CODE, PATH, "the job is too large");
}

/* Strings of an array into space[], NULL behind the last. */
static enum fault_code keep_list(struct fields *fields, const char *name, size_t max,
				 struct plan *plan, char **space, size_t *count,
				 struct fault *fault)
{
	struct json_object *array;
	enum fault_code code = fields_array(fields, name, max, &array, fault);

	if (code != FAULT_NONE)
		return code;
	*count = json_object_array_length(array);
	for (size_t i = 0; i < *count; i++) {
		space[i] = (char *)keep(plan, json_object_array_get_idx(array, i));
		if (space[i] == NULL)
			return fault_set(fault, CODE, PATH, "%s must be strings that fit", name);
	}
	space[*count] = NULL;
	return FAULT_NONE;
}

static enum fault_code read_command(struct fields *top, struct plan *plan, struct fault *fault)
{
	size_t env_count = 0;
	enum fault_code code = keep_list(top, "argv", PLAN_ARG_MAX, plan, plan->argv_space,
					 &plan->arg_count, fault);

	if (code == FAULT_NONE)
		code = keep_list(top, "env", PLAN_ENV_MAX, plan, plan->envp_space, &env_count,
				 fault);
	plan->argv = plan->argv_space;
	plan->envp = plan->envp_space;
	if (code == FAULT_NONE && plan->arg_count == 0)
		code = fault_set(fault, CODE, PATH, "argv is empty");
	if (code == FAULT_NONE)
		code = keep_text(top, "cwd", plan, &plan->cwd, fault);
	if (code == FAULT_NONE)
		code = keep_text(top, "hostname", plan, &plan->hostname, fault);
	if (code == FAULT_NONE)
		code = keep_text(top, "seccomp", plan, &plan->seccomp, fault);
	if (code == FAULT_NONE)
		code = fields_literal(top, "workdir", plan->cwd, fault);
	if (code != FAULT_NONE)
		return code;
	plan->filter = sandbox_workload_filter(plan->seccomp);
	return plan->filter != NULL
		       ? FAULT_NONE
		       : fault_set(fault, CODE, PATH, "no filter is called %.32s", plan->seccomp);
}

static enum fault_code read_limits(struct fields *top, struct plan *plan, struct fault *fault)
{
	static const struct plan_limit known[PLAN_LIMIT_COUNT] = {
		{RLIMIT_CORE, "core", "Max core file size", 1},
		{RLIMIT_NOFILE, "nofile", "Max open files", 1 << 20},
		{RLIMIT_MEMLOCK, "memlock", "Max locked memory", 1 << 30},
		{RLIMIT_MSGQUEUE, "msgqueue", "Max msgqueue size", 1 << 20},
	};
	struct fields limits;
	enum fault_code code = fields_enter(top, "limits", &limits, fault);

	for (size_t i = 0; code == FAULT_NONE && i < PLAN_LIMIT_COUNT; i++) {
		int64_t value = 0;

		code = fields_integer(&limits, known[i].name, 0, (int64_t)known[i].value, &value,
				      fault);
		plan->limits[i] = known[i];
		plan->limits[i].value = (uint64_t)value;
	}
	return code == FAULT_NONE ? fields_close(&limits, fault) : code;
}

/* A number, or null for none. */
static enum fault_code read_maximum(struct fields *top, const char *name, bool *set,
				    uint64_t *value, struct fault *fault)
{
	int64_t number = 0;
	enum fault_code code;

	*set = !fields_null(top, name);
	if (!*set)
		return FAULT_NONE;
	code = fields_integer(top, name, 1, CANON_INTEGER_MAX, &number, fault);
	*value = (uint64_t)number;
	return code;
}

static enum fault_code read_numbers(struct fields *top, struct job *job, struct plan *plan,
				    struct fault *fault)
{
	int64_t disk = 0, uid = 0, gid = 0;
	enum fault_code code = fields_integer(top, "diskMax", 0, CANON_INTEGER_MAX, &disk, fault);

	/* Never root: what is in the guest is not trusted by its own init either. */
	if (code == FAULT_NONE)
		code = fields_integer(top, "uid", 1, ID_MAX, &uid, fault);
	if (code == FAULT_NONE)
		code = fields_integer(top, "gid", 1, ID_MAX, &gid, fault);
	if (code == FAULT_NONE)
		code = read_maximum(top, "memoryMax", &job->has_memory_max, &job->memory_max,
				    fault);
	if (code == FAULT_NONE)
		code = read_maximum(top, "pidsMax", &job->has_pids_max, &job->pids_max, fault);
	if (code == FAULT_NONE)
		code = fields_bool(top, "stdin", &job->wants_stdin, fault);
	plan->disk_max = (uint64_t)disk;
	plan->uid = (uid_t)uid;
	plan->gid = (gid_t)gid;
	plan->timeout_s = TIMEOUT;
	plan->stdin_none = !job->wants_stdin;
	plan->machine.guest = true;
	return code;
}

/* "vda": a virtio disk, one letter. */
static bool device_valid(const char *name)
{
	return strlen(name) == 3 && strncmp(name, "vd", 2) == 0 && name[2] >= 'a' && name[2] <= 'z';
}

static enum fault_code read_device(struct fields *fields, struct job_device *device,
				   struct fault *fault)
{
	const char *name = "", *format = "";
	enum fault_code code = fields_string(fields, "device", &name, fault);

	if (code == FAULT_NONE)
		code = fields_string(fields, "fstype", &format, fault);
	if (code != FAULT_NONE)
		return code;
	if (!device_valid(name) || (strcmp(format, "erofs") != 0 &&
				    strcmp(format, "squashfs") != 0 && strcmp(format, "ext4") != 0))
		return fault_set(fault, CODE, fields->path, "is no device and format we know");
	(void)snprintf(device->name, sizeof device->name, "%s", name);
	(void)snprintf(device->format, sizeof device->format, "%s", format);
	return FAULT_NONE;
}

static enum fault_code read_root(struct fields *top, struct job *job, struct plan *plan,
				 struct fault *fault)
{
	struct fields root;
	enum fault_code code = fields_enter(top, "root", &root, fault);

	if (code == FAULT_NONE)
		code = read_device(&root, &job->root, fault);
	plan->root = (struct plan_root){.kind = PLAN_ROOT_IMAGE, .path = "/"};
	return code == FAULT_NONE ? fields_close(&root, fault) : code;
}

static enum fault_code read_part(struct fields *fields, struct job_mount *mount,
				 struct fault *fault)
{
	const char *part = "";
	enum fault_code code = fields_string(fields, "part", &part, fault);

	if (code != FAULT_NONE)
		return code;
	if (strlen(part) != 2 || strspn(part, "0123456789") != 2)
		return fault_set(fault, CODE, fields->path, "part must be two digits");
	(void)snprintf(mount->part, sizeof mount->part, "%s", part);
	return FAULT_NONE;
}

static enum fault_code read_mount(struct json_object *value, size_t index, struct job *job,
				  struct plan *plan, struct fault *fault)
{
	struct plan_mount *mount = &plan->mounts[index];
	char path[FAULT_PATH_SIZE];
	struct fields fields;
	enum fault_code code;

	field_path_index(path, sizeof path, "job.mounts", index);
	code = fields_open(&fields, value, path, CODE, fault);
	if (code == FAULT_NONE)
		code = read_device(&fields, &job->mounts[index].device, fault);
	if (code == FAULT_NONE)
		code = read_part(&fields, &job->mounts[index], fault);
	if (code == FAULT_NONE)
		code = fields_bool(&fields, "noexec", &mount->noexec, fault);
	if (code == FAULT_NONE)
		code = keep_text(&fields, "target", plan, &mount->target, fault);
	mount->read_only = true;
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}

static enum fault_code read_mounts(struct fields *top, struct job *job, struct plan *plan,
				   struct fault *fault)
{
	struct json_object *array = NULL;
	enum fault_code code = fields_array(top, "mounts", PLAN_MOUNT_MAX, &array, fault);

	if (code == FAULT_NONE)
		plan->mount_count = json_object_array_length(array);
	for (size_t i = 0; code == FAULT_NONE && i < plan->mount_count; i++)
		code = read_mount(json_object_array_get_idx(array, i), i, job, plan, fault);
	return code;
}

static enum fault_code read_output(struct json_object *value, size_t index, struct plan *plan,
				   struct fault *fault)
{
	struct plan_output *output = &plan->outputs[index];
	char path[FAULT_PATH_SIZE];
	struct fields fields;
	int64_t bytes = 0, files = 0;
	enum fault_code code;

	field_path_index(path, sizeof path, "job.outputs", index);
	code = fields_open(&fields, value, path, CODE, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "maxBytes", 0, CANON_INTEGER_MAX, &bytes, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "maxFiles", 0, CANON_INTEGER_MAX, &files, fault);
	if (code == FAULT_NONE)
		code = keep_text(&fields, "path", plan, &output->path, fault);
	output->max_bytes = (uint64_t)bytes;
	output->max_files = (uint64_t)files;
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}

static enum fault_code read_outputs(struct fields *top, struct plan *plan, struct fault *fault)
{
	struct json_object *array = NULL;
	enum fault_code code = fields_array(top, "outputs", PLAN_OUTPUT_MAX, &array, fault);

	if (code == FAULT_NONE)
		plan->output_count = json_object_array_length(array);
	for (size_t i = 0; code == FAULT_NONE && i < plan->output_count; i++)
		code = read_output(json_object_array_get_idx(array, i), i, plan, fault);
	return code;
}

static int hex_digit(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = digit != '\0' ? strchr(digits, digit) : NULL;

	return at == NULL ? -1 : (int)(at - digits);
}

static enum fault_code read_seed(struct fields *top, struct job *job, struct fault *fault)
{
	const char *text = "";
	enum fault_code code = fields_string(top, "seed", &text, fault);

	if (code != FAULT_NONE)
		return code;
	if (strlen(text) != (size_t)2 * JOB_SEED_SIZE)
		return fault_set(fault, CODE, PATH, "seed must be 64 hexadecimal digits");
	for (size_t i = 0; i < JOB_SEED_SIZE; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return fault_set(fault, CODE, PATH, "seed must be 64 hexadecimal digits");
		job->seed[i] = (uint8_t)(high << 4 | low);
	}
	return FAULT_NONE;
}

static enum fault_code read_clock(struct fields *top, struct job *job, struct fault *fault)
{
	const char *text = "";
	enum fault_code code = fields_string(top, "timeNs", &text, fault);
	size_t len = strlen(text);

	if (code != FAULT_NONE)
		return code;
	if (len == 0 || len > 19 || strspn(text, "0123456789") != len)
		return fault_set(fault, CODE, PATH, "timeNs must be nanoseconds in decimal");
	for (; *text != '\0'; text++)
		job->wall_ns = job->wall_ns * 10 + (uint64_t)(*text - '0');
	return FAULT_NONE;
}

static enum fault_code read_all(struct fields *top, struct job *job, struct plan *plan,
				struct fault *fault)
{
	enum fault_code code = fields_literal(top, "type", "job", fault);

	if (code == FAULT_NONE)
		code = fields_literal(top, "schemaVersion", "safe-run.guest-job/v1", fault);
	if (code == FAULT_NONE)
		code = read_command(top, plan, fault);
	if (code == FAULT_NONE)
		code = read_limits(top, plan, fault);
	if (code == FAULT_NONE)
		code = read_numbers(top, job, plan, fault);
	if (code == FAULT_NONE)
		code = read_root(top, job, plan, fault);
	if (code == FAULT_NONE)
		code = read_mounts(top, job, plan, fault);
	if (code == FAULT_NONE)
		code = read_outputs(top, plan, fault);
	if (code == FAULT_NONE)
		code = read_seed(top, job, fault);
	if (code == FAULT_NONE)
		code = read_clock(top, job, fault);
	if (code == FAULT_NONE)
		code = network_read(top, &job->network, plan, fault);
	return code == FAULT_NONE ? fields_close(top, fault) : code;
}

enum fault_code job_parse(const char *line, size_t len, struct job *job, struct plan *plan,
			  struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct fields top;
	enum fault_code code = canon_parse(line, len, CODE, &record, fault);

	*job = (struct job){.wall_ns = 0};
	if (code == FAULT_NONE)
		code = fields_open(&top, record, PATH, CODE, fault);
	return code == FAULT_NONE ? read_all(&top, job, plan, fault) : code;
}

bool job_signal(const char *line, size_t len, int *number)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct fields fields;
	struct fault fault;
	int64_t value = 0;

	if (canon_parse(line, len, CODE, &record, &fault) != FAULT_NONE ||
	    fields_open(&fields, record, "", CODE, &fault) != FAULT_NONE ||
	    fields_integer(&fields, "signal", 1, _NSIG - 1, &value, &fault) != FAULT_NONE ||
	    fields_close(&fields, &fault) != FAULT_NONE)
		return false;
	*number = (int)value;
	return true;
}
