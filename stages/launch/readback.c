/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/readback.h"

#include "ipc/object.h"
#include "sandbox/status.h"
#include "stages/launch/enforcement.h"
#include "stages/launch/mountinfo.h"
#include "stages/launch/plan.h"
#include "stages/launch/probe.h"
#include "stages/launch/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH

static const char *const namespace_names[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"};

struct json_object *readback_namespaces(const char *process)
{
	struct json_object *object = object_new();
	char path[64];
	int dir_fd;

	(void)snprintf(path, sizeof path, "/proc/%s/ns", process);
	/* Where that fails all links do, and each is told as unknown. */
	dir_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof namespace_names / sizeof namespace_names[0]; i++) {
		char link[64];
		ssize_t len = readlinkat(dir_fd, namespace_names[i], link, sizeof link - 1);

		if (len < 0) {
			object_add_null(object, namespace_names[i]);
			continue;
		}
		link[len] = '\0';
		object_add_string(object, namespace_names[i], link);
	}
	(void)close(dir_fd);
	return object;
}

static int read_status(const char *process, struct sandbox_status *status)
{
	char path[32];
	int fd, result;

	(void)snprintf(path, sizeof path, "/proc/%s/status", process);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	result = sandbox_status_read(fd, status);
	(void)close(fd);
	return result;
}

int readback_filter_count(void)
{
	struct sandbox_status status;

	return read_status("self", &status) < 0 ? -1 : status.seccomp_filters;
}

static enum fault_code mismatch(const char *path, const char *what, struct fault *fault)
{
	return fault_set(fault, CODE, path, "%s is not what was set: the run is refused", what);
}

static bool all_are(const uint32_t ids[4], uint32_t id)
{
	return ids[0] == id && ids[1] == id && ids[2] == id && ids[3] == id;
}

static void add_hex(struct json_object *object, const char *name, uint64_t value)
{
	char text[17];

	(void)snprintf(text, sizeof text, "%016" PRIx64, value);
	object_add_string(object, name, text);
}

static void add_identity(const struct readback_process *readback,
			 const struct sandbox_status *status, struct json_object *enforcement)
{
	struct json_object *evidence = object_new();

	object_add_integer(evidence, "uid", status->uid[0]);
	object_add_integer(evidence, "gid", status->gid[0]);
	object_add_integer(evidence, "insideUid", readback->plan->uid);
	enforcement_add_number(enforcement, "default.identity", "setresuid", readback->outer_uid,
			       status->uid[0], evidence);
	evidence = object_new();
	object_add_bool(evidence, "NoNewPrivs", status->no_new_privs);
	enforcement_add_number(enforcement, "default.noNewPrivs", "PR_SET_NO_NEW_PRIVS", 1, 1,
			       evidence);
	evidence = object_new();
	add_hex(evidence, "CapInh", status->cap_inheritable);
	add_hex(evidence, "CapPrm", status->cap_permitted);
	add_hex(evidence, "CapEff", status->cap_effective);
	add_hex(evidence, "CapBnd", status->cap_bounding);
	add_hex(evidence, "CapAmb", status->cap_ambient);
	enforcement_add_text(enforcement, "default.capabilities", "capset, PR_CAPBSET_DROP", "none",
			     "none", evidence);
	evidence = object_new();
	object_add_integer(evidence, "Seccomp", status->seccomp_mode);
	object_add_integer(evidence, "Seccomp_filters", status->seccomp_filters);
	enforcement_add_text(enforcement, "runtime.seccomp", "seccomp filter",
			     readback->plan->seccomp, readback->plan->seccomp, evidence);
}

static enum fault_code check_status(const struct readback_process *readback,
				    struct json_object *enforcement, struct fault *fault)
{
	char process[16];
	struct sandbox_status status;
	int outer = readback->outer_filter_count;

	(void)snprintf(process, sizeof process, "%d", readback->pid);
	if (read_status(process, &status) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.readback",
				       "cannot read the workload's /proc/%s/status", process);
	if (!all_are(status.uid, readback->outer_uid) || !all_are(status.gid, readback->outer_gid))
		return mismatch("launch.readback.identity", "the workload's uid or gid", fault);
	if (!status.no_new_privs)
		return mismatch("launch.readback.noNewPrivs", "no_new_privs", fault);
	if ((status.cap_inheritable | status.cap_permitted | status.cap_effective |
	     status.cap_bounding | status.cap_ambient) != 0)
		return mismatch("launch.readback.capabilities", "a capability set", fault);
	/* One more than the launcher itself has: the workload's own. */
	if (status.seccomp_mode != 2 || (outer >= 0 && status.seccomp_filters != outer + 1))
		return mismatch("launch.readback.seccomp", "the seccomp mode or filter count",
				fault);
	add_identity(readback, &status, enforcement);
	return FAULT_NONE;
}

static enum fault_code check_namespaces(const struct readback_place *readback,
					struct json_object *enforcement, struct fault *fault)
{
	struct json_object *inside = object_member(readback->confined, "namespaces");

	for (size_t i = 0; i < sizeof namespace_names / sizeof namespace_names[0]; i++) {
		const char *name = namespace_names[i];
		const char *own = object_text(readback->ours, name);
		const char *of_init = object_text(readback->theirs, name);
		const char *of_workload = object_text(inside, name);
		bool shared = strcmp(name, "user") == 0 && !readback->plan->rootless;

		/* The workload made its cgroup namespace after init was read. */
		if (own[0] == '\0' || of_workload[0] == '\0' ||
		    (strcmp(name, "cgroup") != 0 && strcmp(of_init, of_workload) != 0) ||
		    (strcmp(own, of_workload) == 0) != shared)
			return fault_set(fault, CODE, "launch.readback.namespaces",
					 "the workload's %s namespace is not its own: the run is "
					 "refused",
					 name);
	}
	enforcement_add_text(enforcement, "default.namespaces", "clone3",
			     readback->plan->rootless ? "cgroup ipc mnt net pid user uts"
						      : "cgroup ipc mnt net pid uts",
			     readback->plan->rootless ? "cgroup ipc mnt net pid user uts"
						      : "cgroup ipc mnt net pid uts",
			     json_object_get(inside));
	/* With a network of its own the filter's rules are read back instead: network.h. */
	if (readback->plan->network.wanted)
		return FAULT_NONE;
	struct json_object *evidence = object_new();

	object_add_string(evidence, "net", object_text(inside, "net"));
	enforcement_add_text(enforcement, "network.mode", "network namespace without interfaces",
			     "none", "none", evidence);
	return FAULT_NONE;
}

static int64_t number_of(struct json_object *object, const char *name)
{
	struct json_object *value = object_member(object, name);

	return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
}

/* The domain cannot be read from outside; the probes and the kernel's answers are the evidence. */
static enum fault_code check_landlock(const struct readback_place *readback,
				      struct json_object *enforcement, struct fault *fault)
{
	struct json_object *report = object_member(readback->confined, "landlock");
	int64_t abi = number_of(report, "abi");

	if (abi < 1 && !readback->plan->best_effort)
		return mismatch("launch.readback.landlock", "the Landlock domain", fault);
	if (abi < 1)
		enforcement_add_missing(enforcement, "default.landlock", "Landlock",
					"this kernel has no Landlock");
	else
		enforcement_add_text(enforcement, "default.landlock", "Landlock",
				     "write to private directories only",
				     "write to private directories only", json_object_get(report));
	return FAULT_NONE;
}

enum fault_code readback_probes(struct json_object *ready, struct json_object *enforcement,
				struct fault *fault)
{
	struct json_object *probes = object_member(ready, "probes");

	for (size_t i = 0; i < PROBE_COUNT; i++) {
		const char *name = probe_name((enum probe_kind)i);
		int64_t error_number = number_of(probes, name);
		struct json_object *evidence;
		char clause[64];

		(void)snprintf(clause, sizeof clause, "probe.%s", name);
		if (error_number <= 0)
			return fault_set(fault, CODE, "launch.probe",
					 "the attempt \"%s\" worked inside the finished sandbox, "
					 "which it must not: the run is refused",
					 name);
		evidence = object_new();
		object_add_string(evidence, "errno", strerrorname_np((int)error_number));
		enforcement_add_text(enforcement, clause, "attempted before exec", "refused",
				     "refused", evidence);
	}
	return FAULT_NONE;
}

/* "Max open files            4096                 4096                 files" */
static bool read_limit(const char *text, const char *row, uint64_t *soft, uint64_t *hard)
{
	const char *line = strstr(text, row);
	char *end = NULL;

	if (line == NULL)
		return false;
	*soft = strtoull(line + strlen(row), &end, 10);
	*hard = strtoull(end, &end, 10);
	return *end == ' ';
}

static enum fault_code check_limits(const struct readback_place *readback, const char *process,
				    struct json_object *enforcement, struct fault *fault)
{
	char path[32], text[4096], clause[64];

	(void)snprintf(path, sizeof path, "/proc/%s/limits", process);
	if (text_file_read(path, text, sizeof text) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.readback.limits",
				       "cannot read %s", path);
	for (size_t i = 0; i < PLAN_LIMIT_COUNT; i++) {
		const struct plan_limit *limit = &readback->plan->limits[i];
		struct json_object *evidence;
		uint64_t soft = 0, hard = 0;

		if (!read_limit(text, limit->row, &soft, &hard) || soft > limit->value ||
		    hard > limit->value)
			return mismatch("launch.readback.limits", limit->row, fault);
		evidence = object_new();
		object_add_integer(evidence, "soft", (int64_t)soft);
		object_add_integer(evidence, "hard", (int64_t)hard);
		(void)snprintf(clause, sizeof clause, "default.limits.%s", limit->name);
		enforcement_add_number(enforcement, clause, "setrlimit", limit->value, soft,
				       evidence);
	}
	return FAULT_NONE;
}

enum fault_code readback_place(const struct readback_place *place, struct json_object *enforcement,
			       struct fault *fault)
{
	char process[16];
	enum fault_code code;

	(void)snprintf(process, sizeof process, "%d", place->pid);
	code = check_namespaces(place, enforcement, fault);
	if (code == FAULT_NONE)
		code = mountinfo_check(place->plan, process, place->host, place->shared,
				       enforcement, fault);
	if (code == FAULT_NONE)
		code = check_landlock(place, enforcement, fault);
	return code == FAULT_NONE ? check_limits(place, process, enforcement, fault) : code;
}

enum fault_code readback_process(const struct readback_process *process, struct json_object *ready,
				 struct json_object *enforcement, struct fault *fault)
{
	enum fault_code code = check_status(process, enforcement, fault);

	return code == FAULT_NONE ? readback_probes(ready, enforcement, fault) : code;
}
