/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/firecracker.h"

#include "ipc/event.h"
#include "ipc/object.h"
#include "sandbox/status.h"
#include "stages/jail/base.h"
#include "stages/launch/cgroup_procs.h"
#include "stages/launch/enforcement.h"
#include "stages/launch/launch.h"
#include "stages/launch/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CODE	    FAULT_RUN_LAUNCH
#define PATH	    "launch.machine.readback"
#define CONFINED_NS (10 * 1000000000ULL) /* for Firecracker to load its images and its filters */
#define STEP_NS	    2000000L
#define STATUS_SIZE 8192
#define LEVELS	    3 /* of pid namespaces: ours, sr-jail's, jailer's */
#define BLOCK_SIZE  16384

static int read_status(pid_t pid, struct sandbox_status *status)
{
	char path[64];
	int fd, result;

	(void)snprintf(path, sizeof path, "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	result = fd < 0 ? -1 : sandbox_status_read(fd, status);
	if (fd >= 0)
		(void)close(fd);
	return result;
}

/*
 * jailer's child is Firecracker when its ids are the machine's, and as Firecracker it runs its guest
 * behind its filters. Nothing tells a process when another has installed one, so it is looked at again
 * until then. What sr-jail has to say meanwhile can only be that it ended.
 */
static enum fault_code await_confined(const struct launch *launch, struct sandbox_status *status,
				      struct fault *fault)
{
	const struct timespec step = {.tv_nsec = STEP_NS};
	uint64_t end_ns = event_boot_ns() + CONFINED_NS;
	struct pollfd item = {.fd = launch->init_fd, .events = POLLIN};

	while (event_boot_ns() < end_ns) {
		if (poll(&item, 1, 0) > 0)
			return fault_set(fault, CODE, "launch.machine.vmm",
					 "Firecracker ended before its guest was told anything");
		if (read_status(launch->workload_pid, status) == 0 && status->seccomp_mode == 2 &&
		    status->uid[1] == launch->plan->uid && status->seccomp_filters > 1)
			return FAULT_NONE;
		(void)nanosleep(&step, NULL);
	}
	return fault_set(fault, CODE, PATH,
			 "Firecracker has not put its filters on within %d s: it is user %u with "
			 "seccomp mode %d",
			 (int)(CONFINED_NS / 1000000000), status->uid[1], status->seccomp_mode);
}

/* How many pid namespaces know it (proc_pid_status(5), NSpid). */
static uint64_t count_levels(pid_t pid)
{
	char path[64], text[STATUS_SIZE];
	uint64_t count = 0;
	const char *at;
	ssize_t len;

	(void)snprintf(path, sizeof path, "/proc/%d/status", pid);
	len = text_file_read(path, text, sizeof text);
	text[len > 0 && (size_t)len < sizeof text ? len : 0] = '\0';
	at = strstr(text, "\nNSpid:");
	if (at == NULL)
		return 0;
	for (at += strlen("\nNSpid:"); *at != '\0' && *at != '\n'; at += strcspn(at, "\t \n")) {
		at += strspn(at, "\t ");
		count += *at >= '0' && *at <= '9';
	}
	return count;
}

static enum fault_code check_user(const struct launch *launch, const struct sandbox_status *status,
				  struct json_object *enforcement, struct fault *fault)
{
	struct json_object *evidence = object_new();
	uint64_t all = status->cap_permitted | status->cap_effective | status->cap_inheritable |
		       status->cap_ambient;
	uid_t uid = launch->plan->uid;
	bool right = all == 0 && status->no_new_privs;

	for (size_t i = 0; i < 4; i++)
		right = right && status->uid[i] == uid && status->gid[i] == uid;
	object_add_decimal(evidence, "capabilities", all);
	object_add_integer(evidence, "gid", status->gid[1]);
	object_add_bool(evidence, "noNewPrivs", status->no_new_privs);
	enforcement_add_number(enforcement, "machine.user", "jailer --uid --gid", uid,
			       status->uid[1], evidence);
	if (right)
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH,
			 "Firecracker is user %u, group %u, with capabilities %#" PRIx64
			 ", not user %u without any",
			 status->uid[1], status->gid[1], all, uid);
}

static enum fault_code check_namespaces(const struct launch *launch,
					struct json_object *enforcement, struct fault *fault)
{
	uint64_t levels = count_levels(launch->workload_pid);

	enforcement_add_number(enforcement, "machine.pidNamespaces", "sr-jail, jailer --new-pid-ns",
			       LEVELS, levels, object_new());
	if (levels >= LEVELS)
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH,
			 "Firecracker is in %" PRIu64 " pid namespaces, not in %d", levels, LEVELS);
}

/* In the run's cgroup, or in the machine's own right below it. */
static bool in_cgroup(int dir_fd, const char *id, pid_t pid)
{
	int below_fd;
	bool found;

	if (cgroup_procs_has(dir_fd, pid))
		return true;
	below_fd = openat(dir_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	found = below_fd >= 0 && cgroup_procs_has(below_fd, pid);
	if (below_fd >= 0)
		(void)close(below_fd);
	return found;
}

static enum fault_code check_cgroups(const struct launch *launch, struct fault *fault)
{
	const struct cgroup *cgroup = &launch->cgroup;

	for (size_t i = 0; i < CGROUP_HIERARCHY_COUNT; i++)
		if (cgroup->made[i] &&
		    !in_cgroup(cgroup->dir_fd[i], launch->events.run_id, launch->workload_pid))
			return fault_set(fault, CODE, "launch.cgroup.attach",
					 "Firecracker is not in the run's cgroup %s/%s",
					 CGROUP_ROOT, cgroup->paths[i]);
	return FAULT_NONE;
}

/*
 * jailer executes its own copy of Firecracker: that is hashed, and compared with what was found
 * (machine_confirm). It lies in the machine's hands by now, so not more of it than there should be.
 */
static enum fault_code hash_copy(struct launch *launch, struct fault *fault)
{
	struct machine *machine = launch->machine;
	int fd = openat(machine->sockets_fd, "../" JAIL_EXEC,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct digest *digest = digest_new();
	char block[BLOCK_SIZE], text[DIGEST_TEXT_SIZE];
	uint8_t value[DIGEST_SIZE];
	int64_t size = 0;
	ssize_t len = -1;

	while (fd >= 0 && size <= machine->vmm_bytes && (len = read(fd, block, sizeof block)) > 0) {
		digest_update(digest, block, (size_t)len);
		size += len;
	}
	if (fd >= 0)
		(void)close(fd);
	digest_value(digest, value);
	digest_free(digest);
	if (fd < 0 || len != 0)
		return fault_set(fault, CODE, PATH,
				 "the jail's copy of Firecracker cannot be read");
	digest_text(value, text);
	launch->executable = object_new();
	object_add_string(launch->executable, "path", machine->vmm_path);
	object_add_string(launch->executable, "sha256", text);
	return FAULT_NONE;
}

enum fault_code firecracker_read_back(struct launch *launch, struct json_object *enforcement,
				      struct fault *fault)
{
	struct sandbox_status status = {.seccomp_mode = 0};
	struct json_object *evidence;
	enum fault_code code = await_confined(launch, &status, fault);

	if (code == FAULT_NONE)
		code = check_user(launch, &status, enforcement, fault);
	if (code != FAULT_NONE)
		return code;
	evidence = object_new();
	object_add_integer(evidence, "filters", status.seccomp_filters);
	enforcement_add_text(enforcement, "machine.seccomp", "Firecracker's own filters", "filter",
			     "filter", evidence);
	code = check_namespaces(launch, enforcement, fault);
	if (code == FAULT_NONE)
		code = check_cgroups(launch, fault);
	if (code == FAULT_NONE)
		code = firecracker_plugged(launch, enforcement, fault);
	return code == FAULT_NONE ? hash_copy(launch, fault) : code;
}
