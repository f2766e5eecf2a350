/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/firecracker.h"

#include "ipc/canon.h"
#include "ipc/event.h"
#include "ipc/object.h"
#include "stages/launch/cgroup_file.h"
#include "stages/launch/channel.h"
#include "stages/launch/collect.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/launch.h"
#include "stages/launch/machine_part.h"
#include "stages/launch/mount.h"
#include "stages/launch/report.h"
#include "stages/launch/root.h"
#include "stages/launch/setup_part.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.jail"

/* From here on sr-jail is what a sandbox's init is to other runs. */
static void take_jail(struct launch *launch)
{
	struct jail *jail = &launch->jail;
	struct machine *machine = launch->machine;

	launch->init_fd = jail->channel_fd;
	launch->pidfd = jail->pidfd;
	launch->init_pid = jail->pid;
	machine->console_fd = jail->console_fd;
	machine->log_fd = jail->log_fd;
	jail_init(jail);
	jail->taken = true;
}

/* Whatever jailer or Firecracker had to say about it goes with the fault. */
static enum fault_code with_words(struct launch *launch, struct fault *fault)
{
	struct machine *machine = launch->machine;
	struct fault told = *fault;
	const char *words;

	if (machine->log_fd >= 0)
		machine_read_log(machine);
	if (machine->console_fd >= 0)
		machine_read_console(launch);
	words = machine->log_len > 0 ? machine->log : machine->console_tail;
	if (words[0] == '\0')
		return fault->code;
	return fault_set(fault, told.code, told.path, "%.200s. It said: %.400s", told.message,
			 words);
}

static enum fault_code ended_early(struct launch *launch, struct json_object *message,
				   struct fault *fault)
{
	struct json_object *value = NULL;
	int status;

	(void)json_object_object_get_ex(message, "status", &value);
	status = json_object_get_int(value);
	if (WIFSIGNALED(status))
		(void)fault_set(
			fault, CODE, "launch.machine.vmm",
			"Firecracker was killed by SIG%s before its guest was told anything",
			sigabbrev_np(WTERMSIG(status)) ?: "?");
	else
		(void)fault_set(
			fault, CODE, "launch.machine.vmm",
			"Firecracker ended with status %d before its guest was told anything",
			WEXITSTATUS(status));
	return with_words(launch, fault);
}

/* sr-jail's next message, which must be of that type. */
static enum fault_code expect(struct launch *launch, const char *type, struct json_object **message,
			      pid_t *sender, int *passed_fd, struct fault *fault)
{
	struct json_object *value = NULL;
	int result = channel_receive_fd(launch->init_fd, SETUP_MS, message, sender, passed_fd);
	const char *told;

	if (result < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "no word from sr-jail");
	if (result == 0) {
		(void)fault_set(fault, CODE, PATH,
				"sr-jail, which must lie beside sr-launch, ended without a word");
		return with_words(launch, fault);
	}
	(void)json_object_object_get_ex(*message, "type", &value);
	told = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
	if (strcmp(told, type) == 0)
		return FAULT_NONE;
	descriptor_close(passed_fd);
	if (strcmp(told, "exit") == 0)
		return ended_early(launch, *message, fault);
	if (setup_told_failure(launch, *message, fault) == FAULT_NONE)
		return fault_set(fault, CODE, PATH, "sr-jail told something we do not know");
	return with_words(launch, fault);
}

/* The jail is there, with a user of its own: nobody else's machine has it. */
static enum fault_code await_placed(struct launch *launch, struct fault *fault)
{
	struct json_object *message OBJECT_CLEANUP = NULL;
	struct json_object *uid = NULL, *restores = NULL;
	pid_t sender;
	int fd = -1;
	enum fault_code code = expect(launch, "placed", &message, &sender, &fd, fault);

	if (code != FAULT_NONE)
		return code;
	(void)json_object_object_get_ex(message, "uid", &uid);
	if (fd < 0 || json_object_get_int64(uid) <= 0)
		return fault_set(fault, CODE, PATH, "sr-jail told no user or handed on nothing");
	launch->machine->sockets_fd = fd;
	(void)json_object_object_get_ex(message, "restores", &restores);
	launch->machine->firecracker.restores = json_object_get_boolean(restores);
	launch->plan->uid = launch->plan->gid = (uid_t)json_object_get_int64(uid);
	return FAULT_NONE;
}

/* Outputs come out of the guest into a tmpfs of the policy's size, which has no name anywhere. */
static enum fault_code make_tree(struct launch *launch, struct fault *fault)
{
	const struct plan *plan = launch->plan;
	char size[24], inodes[24], id[16];
	const struct mount_option options[] = {
		{"mode", "0700"}, {"size", size}, {"nr_inodes", inodes}, {"uid", id}, {"gid", id}};

	(void)snprintf(size, sizeof size, "%" PRIu64, plan->disk_max);
	(void)snprintf(inodes, sizeof inodes, "%" PRIu64, root_disk_inodes(plan));
	(void)snprintf(id, sizeof id, "%u", plan->uid);
	launch->workdir_fd = mount_new("tmpfs", options, sizeof options / sizeof options[0],
				       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (launch->workdir_fd >= 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, "launch.machine.outputs",
			       "cannot mount the tmpfs for the outputs");
}

static enum fault_code let_jailer_go(struct launch *launch, struct fault *fault)
{
	int netns_fd = launch->machine->firecracker.cable_fd;
	int result, error_number;

	/* The namespace behind the socket. */
	if (netns_fd >= 0 && (netns_fd = ioctl(netns_fd, SIOCGSKNS)) < 0)
		return fault_set_errno(fault, CODE, errno, PATH,
				       "the machine's network namespace is not there");
	result = channel_tell(launch->init_fd, CHANNEL_EXEC, &netns_fd, netns_fd >= 0 ? 1 : 0);
	error_number = errno;
	descriptor_close(&netns_fd);
	if (result == 0 || error_number == EPIPE || error_number == ECONNRESET)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, error_number, PATH, "sr-jail cannot be told to go on");
}

static enum fault_code await_running(struct launch *launch, struct fault *fault)
{
	struct json_object *message OBJECT_CLEANUP = NULL;
	int fd = -1;
	enum fault_code code =
		expect(launch, "running", &message, &launch->workload_pid, &fd, fault);

	descriptor_close(&fd);
	return code;
}

/* The run's console.log, as machine_open_output makes it for QEMU. */
static enum fault_code open_console_log(struct launch *launch, struct fault *fault)
{
	struct machine *machine = launch->machine;

	if (launch->artifacts_fd < 0)
		return FAULT_NONE;
	machine->console_file_fd =
		openat(launch->artifacts_fd, "console.log",
		       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (machine->console_file_fd >= 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, "launch.machine.console",
			       "cannot make the console's log");
}

static bool saves(const struct launch *launch)
{
	const struct firecracker *firecracker = &launch->machine->firecracker;

	return firecracker->snapshot && !firecracker->restores;
}

/* It runs, or stands still as it was saved: nobody has told it anything. */
static enum fault_code make_ready(struct launch *launch, struct json_object *enforcement,
				  struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	if (launch->machine->firecracker.restores)
		code = firecracker_restore(launch, fault);
	if (code == FAULT_NONE)
		code = firecracker_read_back(launch, enforcement, fault);
	if (code == FAULT_NONE && saves(launch))
		code = firecracker_save(launch, fault);
	if (code == FAULT_NONE && saves(launch))
		code = machine_listen(launch, fault);
	return code == FAULT_NONE ? code : with_words(launch, fault);
}

static enum fault_code make_machine(struct launch *launch, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	if (launch->plan->network.wanted)
		code = launch_announce(launch, fault);
	if (code == FAULT_NONE)
		code = network_announce(launch, fault);
	if (code == FAULT_NONE)
		code = machine_mounts(launch, fault);
	if (code == FAULT_NONE)
		code = setup_cgroup(launch, fault);
	if (code == FAULT_NONE)
		code = open_console_log(launch, fault);
	if (code != FAULT_NONE)
		return code;
	take_jail(launch);
	code = firecracker_ask(launch, fault);
	if (code == FAULT_NONE)
		code = await_placed(launch, fault);
	if (code == FAULT_NONE)
		code = firecracker_network(launch, fault);
	if (code == FAULT_NONE)
		code = make_tree(launch, fault);
	if (code == FAULT_NONE)
		code = collect_start(launch, fault);
	/* One that is to be saved first must not find anybody who speaks with it. */
	if (code == FAULT_NONE)
		code = saves(launch) ? firecracker_watch_boot(launch, fault)
				     : machine_listen(launch, fault);
	if (code == FAULT_NONE)
		code = let_jailer_go(launch, fault);
	return code == FAULT_NONE ? await_running(launch, fault) : code;
}

enum fault_code firecracker_prepare(struct launch *launch, struct fault *fault)
{
	struct json_object *enforcement OBJECT_CLEANUP = array_new();
	enum fault_code code = make_machine(launch, fault);

	if (code == FAULT_NONE)
		code = make_ready(launch, enforcement, fault);
	if (code != FAULT_NONE)
		return code;
	setup_own_clauses(launch, enforcement);
	code = machine_confirm(launch, enforcement, fault);
	if (code != FAULT_NONE)
		return code;
	ceiling_enforcement(&launch->ceiling, enforcement);
	cgroup_enforcement(&launch->cgroup, enforcement);
	return report_prepared(launch, object_take(&enforcement), fault);
}

enum fault_code firecracker_run(struct launch *launch, struct fault *fault)
{
	enum fault_code code;

	setup_close_streams(launch->plan);
	launch->started_ns = event_boot_ns();
	code = machine_give_job(launch, fault);
	if (code == FAULT_NONE && launch->machine->firecracker.snapshot)
		code = firecracker_resume(launch, fault);
	return code == FAULT_NONE ? report_started(launch, fault) : code;
}

#define CLEAN_TRIES 100
#define CLEAN_NS    5000000L

void firecracker_clean(struct launch *launch)
{
	const struct timespec step = {.tv_nsec = CLEAN_NS};
	int unified_fd = launch->cgroup.dir_fd[CGROUP_UNIFIED];

	/* An sr-jail that was killed has ended its machine, but maybe not yet; this reaches below as well. */
	if (unified_fd >= 0)
		(void)!cgroup_file_write(unified_fd, "cgroup.kill", "1");
	for (size_t i = 0; i < CGROUP_HIERARCHY_COUNT; i++) {
		int dir_fd = launch->cgroup.dir_fd[i];

		/* The last process of a killed machine is out of it a moment later. */
		for (int try = 0; dir_fd >= 0 && try < CLEAN_TRIES; try++) {
			if (unlinkat(dir_fd, launch->events.run_id, AT_REMOVEDIR) == 0 ||
			    errno != EBUSY)
				break;
			(void)nanosleep(&step, NULL);
		}
	}
}
