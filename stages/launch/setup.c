/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/setup.h"

#include "ipc/object.h"
#include "stages/launch/apart_readback.h"
#include "stages/launch/channel.h"
#include "stages/launch/collect.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/enforcement.h"
#include "stages/launch/fallback.h"
#include "stages/launch/firecracker.h"
#include "stages/launch/init.h"
#include "stages/launch/loop.h"
#include "stages/launch/namespace.h"
#include "stages/launch/plan.h"
#include "stages/launch/readback.h"
#include "stages/launch/report.h"
#include "stages/launch/setup_part.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH

/* Ours alone from here: the children's copies go with their exec or exit. */
void setup_close_streams(struct plan *plan)
{
	descriptor_close(&plan->stdin_fd);
	descriptor_close(&plan->stdout_fd);
	descriptor_close(&plan->stderr_fd);
	descriptor_close(&plan->pty_fd);
}

enum fault_code setup_start(struct launch *launch, struct fault *fault)
{
	struct init_arguments arguments = {
		.plan = launch->plan, .outer_uid = geteuid(), .outer_gid = getegid()};
	bool rootless = launch->plan->rootless;
	int error_number;

	if (channel_pair(&launch->init_fd, &arguments.channel_fd) < 0 ||
	    channel_pair(&launch->workload_fd, &arguments.workload_channel_fd) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.channel",
				       "cannot make a socket pair");
	launch->init_pid = namespace_clone(rootless, &launch->pidfd);
	error_number = errno;
	if (launch->init_pid == 0)
		init_main(&arguments);
	(void)close(arguments.channel_fd);
	(void)close(arguments.workload_channel_fd);
	if (launch->init_pid > 0)
		return FAULT_NONE;
	launch->pidfd = -1;
	return namespace_explain(error_number, rootless, "launch.namespace", fault);
}

static int number_of(struct json_object *message, const char *name)
{
	struct json_object *value = NULL;

	(void)json_object_object_get_ex(message, name, &value);
	return json_object_is_type(value, json_type_int) ? json_object_get_int(value) : -1;
}

/* {"type":"failed"}: the child's own words. */
enum fault_code setup_told_failure(struct launch *launch, struct json_object *message,
				   struct fault *fault)
{
	enum fault_code code = fault_code_parse(object_text(message, "code"));
	int error_number = number_of(message, "errno");

	if (error_number > 0)
		launch->exec_errno = error_number;
	return fault_set(fault, code == FAULT_NONE ? CODE : code, object_text(message, "path"),
			 "%s", object_text(message, "message"));
}

static enum fault_code lost(int result, const char *who, struct fault *fault)
{
	if (result == 0)
		return fault_set(fault, CODE, "launch.init",
				 "%s ended before it was ready, and did not say why: it was killed",
				 who);
	return fault_set_errno(fault, CODE, errno, "launch.init", "no word from %s", who);
}

/*
 * {"type":"workdir"}: where the outputs will be; {"type":"sockets"}: where a VMM connects to. One of
 * each, from init, and only where they are wanted.
 */
static enum fault_code take_directory(struct launch *launch, int fd, const char *type,
				      int passed_fd, struct fault *fault)
{
	bool machine = launch->machine != NULL;
	bool sockets = strcmp(type, "sockets") == 0;
	int *place = machine && sockets ? &launch->machine->sockets_fd : &launch->workdir_fd;

	if (fd == launch->init_fd && passed_fd >= 0 && network_take(launch, type, passed_fd))
		return FAULT_NONE;
	if (fd == launch->init_fd && passed_fd >= 0 && *place < 0 &&
	    (sockets || strcmp(type, "workdir") == 0) &&
	    (machine || (!sockets && launch->plan->output_count > 0))) {
		*place = passed_fd;
		return FAULT_NONE;
	}
	descriptor_close(&passed_fd);
	return fault_set(fault, CODE, "launch.init", "told something we do not know");
}

/* The next message of the type wanted; mount messages on the way become events. */
static enum fault_code expect(struct launch *launch, int fd, const char *who, const char *type,
			      struct json_object **message, pid_t *sender, struct fault *fault)
{
	for (;;) {
		int passed_fd = -1;
		int result = channel_receive_fd(fd, SETUP_MS, message, sender, &passed_fd);
		enum fault_code code;

		if (result <= 0)
			return lost(result, who, fault);
		if (passed_fd >= 0 || strcmp(object_text(*message, "type"), "workdir") == 0) {
			code = take_directory(launch, fd, object_text(*message, "type"), passed_fd,
					      fault);
			object_release(message);
			if (code != FAULT_NONE)
				return code;
			continue;
		}
		if (strcmp(object_text(*message, "type"), type) == 0)
			return FAULT_NONE;
		if (strcmp(object_text(*message, "type"), "mount") == 0)
			code = report_mount(launch, *message, fault);
		else
			code = setup_told_failure(launch, *message, fault);
		object_release(message);
		if (code != FAULT_NONE)
			return code;
	}
}

static enum fault_code await_built(struct launch *launch, struct json_object **namespaces,
				   struct fault *fault)
{
	struct json_object *built OBJECT_CLEANUP = NULL;
	char process[16];
	pid_t sender;
	enum fault_code code = expect(launch, launch->init_fd, "the sandbox's init", "built",
				      &built, &sender, fault);

	if (code != FAULT_NONE)
		return code;
	(void)json_object_object_get_ex(built, "shared", &launch->shared_files);
	(void)json_object_get(launch->shared_files);
	(void)snprintf(process, sizeof process, "%d", launch->init_pid);
	*namespaces = readback_namespaces(process);
	if (loop_hold(launch, fault) != FAULT_NONE)
		return fault->code;
	if (channel_tell(launch->init_fd, CHANNEL_HIDE, NULL, 0) < 0)
		return lost(0, "the sandbox's init", fault);
	return FAULT_NONE;
}

/* Meanwhile init builds the root. */
enum fault_code setup_cgroup(struct launch *launch, struct fault *fault)
{
	enum fault_code code =
		cgroup_prepare(&launch->cgroup, launch->events.run_id, &launch->plan->cgroup_limits,
			       launch->best_effort, fault);

	launch->cgroup_prepared = code == FAULT_NONE;
	if (code == FAULT_NONE)
		fallback_choose(launch->plan, &launch->cgroup);
	return code;
}

/*
 * Init that is gone (EPIPE) has told why: await_built reads it. Any other failure is ours to tell
 * now, or both would wait for the other.
 */
static enum fault_code order_init(const struct launch *launch, enum channel_word word,
				  const int *fds, size_t count, struct fault *fault)
{
	if (channel_tell(launch->init_fd, word, fds, count) == 0 || errno == EPIPE ||
	    errno == ECONNRESET)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, "launch.channel",
			       "the sandbox's init cannot be told to go on");
}

static enum fault_code fork_workload(struct launch *launch, struct fault *fault)
{
	int fds[CHANNEL_FD_MAX];
	int clone_fd = cgroup_clone_fd(&launch->cgroup);
	size_t count = 0;

	_Static_assert(CGROUP_HIERARCHY_COUNT + 1 <= CHANNEL_FD_MAX, "all cgroups in one message");
	launch->plan->cgroup_clone = clone_fd >= 0;
	if (clone_fd >= 0)
		fds[count++] = clone_fd;
	for (size_t i = 0; i < CGROUP_HIERARCHY_COUNT; i++)
		if (launch->cgroup.tasks_fd[i] >= 0)
			fds[count++] = launch->cgroup.tasks_fd[i];
	return order_init(launch, CHANNEL_FORK, fds, count, fault);
}

/*
 * A run whose deadline or captured output nobody could hold to its limit is not started, so these
 * are facts by now. By hand nothing is captured: then nobody holds the output to anything, and no
 * clause says so; the closing event has captured false.
 */
void setup_own_clauses(const struct launch *launch, struct json_object *enforcement)
{
	struct json_object *evidence = object_new();

	object_add_string(evidence, "clock", "CLOCK_BOOTTIME");
	enforcement_add_number(enforcement, "runtime.timeoutSec", "timer of the launcher",
			       launch->plan->timeout_s, launch->plan->timeout_s, evidence);
	if (launch->plan->stdout_fd < 0 && launch->plan->pty_fd < 0)
		return;
	evidence = object_new();
	object_add_bool(evidence, "captured", true);
	object_add_bool(evidence, "control", launch->control_fd >= 0);
	enforcement_add_number(enforcement, "resources.output.max", "monitor's log files",
			       launch->plan->output_max, launch->plan->output_max, evidence);
}

/* The workload's process has all but its filter; while it installs that, the rest is read back. */
static enum fault_code await_confined(struct launch *launch, struct json_object *theirs,
				      const struct mount_table *host,
				      struct json_object *enforcement, struct fault *fault)
{
	struct json_object *confined OBJECT_CLEANUP = NULL;
	struct json_object *ours OBJECT_CLEANUP = readback_namespaces("self");
	struct json_object *executable = NULL;
	enum fault_code code = expect(launch, launch->workload_fd, "the workload's process",
				      "confined", &confined, &launch->workload_pid, fault);

	if (code != FAULT_NONE)
		return code;
	(void)json_object_object_get_ex(confined, "executable", &executable);
	launch->executable = json_object_get(executable);
	code = launch_announce(launch, fault);
	if (code != FAULT_NONE)
		return code;
	const struct readback_place place = {
		.plan = launch->plan,
		.pid = launch->workload_pid,
		.confined = confined,
		.ours = ours,
		.theirs = theirs,
		.shared = launch->shared_files,
		.host = host,
	};

	code = readback_place(&place, enforcement, fault);
	if (code == FAULT_NONE)
		code = cgroup_attach_check(&launch->cgroup, launch->workload_pid, fault);
	if (code == FAULT_NONE)
		code = network_settle(launch, fault);
	if (code != FAULT_NONE)
		return code;
	if (launch->plan->network.wanted)
		network_enforcement(launch, confined, enforcement);
	setup_own_clauses(launch, enforcement);
	if (launch->machine != NULL && machine_confirm(launch, enforcement, fault) != FAULT_NONE)
		return fault->code;
	ceiling_enforcement(&launch->ceiling, enforcement);
	return FAULT_NONE;
}

/* A machine's second VMM, confined and read back as the first one; its clauses are the same ones. */
static enum fault_code await_spare(struct launch *launch, struct json_object *theirs,
				   const struct mount_table *host, struct fault *fault)
{
	static const char who[] = "the second VMM's process";
	struct json_object *confined OBJECT_CLEANUP = NULL;
	struct json_object *ready OBJECT_CLEANUP = NULL;
	struct json_object *ours OBJECT_CLEANUP = readback_namespaces("self");
	struct json_object *clauses OBJECT_CLEANUP = array_new();
	struct json_object *executable = NULL;
	bool rootless = launch->plan->rootless;
	int fd = launch->machine->spare_fd;
	pid_t pid = 0, sender = 0;
	enum fault_code code = expect(launch, fd, who, "confined", &confined, &pid, fault);
	const struct readback_place place = {.plan = launch->plan,
					     .pid = pid,
					     .confined = confined,
					     .ours = ours,
					     .theirs = theirs,
					     .shared = launch->shared_files,
					     .host = host};
	const struct readback_process process = {
		.plan = launch->plan,
		.pid = pid,
		.outer_filter_count = launch->filter_count,
		.outer_uid = rootless ? geteuid() : launch->plan->uid,
		.outer_gid = rootless ? getegid() : launch->plan->gid,
	};

	if (code == FAULT_NONE)
		code = readback_place(&place, clauses, fault);
	if (code == FAULT_NONE)
		code = cgroup_attach_check(&launch->cgroup, pid, fault);
	if (code != FAULT_NONE)
		return code;
	(void)json_object_object_get_ex(confined, "executable", &executable);
	code = machine_confirm_program(launch, executable, fault);
	if (code == FAULT_NONE)
		code = expect(launch, fd, who, "ready", &ready, &sender, fault);
	return code == FAULT_NONE ? readback_process(&process, ready, clauses, fault) : code;
}

static enum fault_code await_ready(struct launch *launch, struct json_object *enforcement,
				   struct fault *fault)
{
	struct json_object *list OBJECT_CLEANUP = enforcement;
	struct json_object *ready OBJECT_CLEANUP = NULL;
	bool rootless = launch->plan->rootless;
	const struct readback_process process = {
		.plan = launch->plan,
		.pid = launch->workload_pid,
		.outer_filter_count = launch->filter_count,
		.outer_uid = rootless ? geteuid() : launch->plan->uid,
		.outer_gid = rootless ? getegid() : launch->plan->gid,
	};
	pid_t sender = 0;
	enum fault_code code = expect(launch, launch->workload_fd, "the workload's process",
				      "ready", &ready, &sender, fault);

	if (code == FAULT_NONE)
		code = readback_process(&process, ready, list, fault);
	if (code != FAULT_NONE)
		return code;
	if (launch->best_effort)
		fallback_record(launch->plan, launch->workload_pid, &launch->cgroup);
	cgroup_enforcement(&launch->cgroup, list);
	return report_prepared(launch, object_take(&list), fault);
}

/* With what init cannot open itself: a mounted root, or the ends of a VMM's output. */
static enum fault_code order_build(struct launch *launch, struct fault *fault)
{
	int fds[MACHINE_FD_COUNT] = {launch->root_fd, -1, -1};
	enum fault_code code = FAULT_NONE;
	size_t count = 0;

	launch->root_fd = -1;
	if (launch->machine != NULL)
		code = machine_prepare(launch, fds, fault);
	while (count < MACHINE_FD_COUNT && fds[count] >= 0)
		count++;
	if (code == FAULT_NONE)
		code = order_init(launch, CHANNEL_BUILD, fds, count, fault);
	for (size_t i = 0; i < MACHINE_FD_COUNT; i++)
		descriptor_close(&fds[i]);
	return code;
}

/* Its namespaces for who sets the network up there. Nothing in mode none. */
static enum fault_code await_network(struct launch *launch, struct fault *fault)
{
	struct json_object *message OBJECT_CLEANUP = NULL;
	pid_t sender;
	enum fault_code code;

	if (!launch->plan->network.wanted)
		return FAULT_NONE;
	code = expect(launch, launch->init_fd, "the sandbox's init", "network", &message, &sender,
		      fault);
	return code == FAULT_NONE ? network_start(launch, fault) : code;
}

/* A machine's and a network's events come first: they say what init will be given. */
static bool builds_early(const struct launch *launch)
{
	return launch->machine == NULL && !launch->plan->network.wanted;
}

enum fault_code setup_build(struct launch *launch, struct fault *fault)
{
	return builds_early(launch) ? order_build(launch, fault) : FAULT_NONE;
}

enum fault_code setup_prepare(struct launch *launch, struct fault *fault)
{
	struct json_object *theirs OBJECT_CLEANUP = NULL;
	struct json_object *enforcement OBJECT_CLEANUP = array_new();
	struct mount_table host = {.text = NULL};
	enum fault_code code = FAULT_NONE;

	if (launch->machine != NULL && launch->machine->firecracker.wanted)
		return firecracker_prepare(launch, fault);
	if (launch->plan->network.wanted)
		code = launch_announce(launch, fault);
	if (code == FAULT_NONE)
		code = network_announce(launch, fault);
	if (code == FAULT_NONE && !builds_early(launch))
		code = order_build(launch, fault);
	if (code == FAULT_NONE)
		code = await_network(launch, fault);
	if (code == FAULT_NONE)
		code = setup_cgroup(launch, fault);
	/* While who sets the network up starts, or init still builds. */
	if (code == FAULT_NONE && launch->plan->network.wanted)
		code = apart_readback_host(launch->plan, &host, fault);
	if (code == FAULT_NONE)
		code = network_apply(launch, fault);
	if (code == FAULT_NONE)
		code = fork_workload(launch, fault);
	if (code == FAULT_NONE && !launch->plan->network.wanted)
		code = apart_readback_host(launch->plan, &host, fault);
	if (code == FAULT_NONE)
		code = await_built(launch, &theirs, fault);
	if (code == FAULT_NONE)
		code = collect_start(launch, fault);
	if (code == FAULT_NONE && launch->machine != NULL)
		code = machine_start(launch, fault);
	if (code == FAULT_NONE)
		code = await_confined(launch, theirs, &host, enforcement, fault);
	if (code == FAULT_NONE && launch->machine != NULL && launch->machine->spare_fd >= 0)
		code = await_spare(launch, theirs, &host, fault);
	mount_table_release(&host);
	return code == FAULT_NONE ? await_ready(launch, object_take(&enforcement), fault) : code;
}

enum fault_code setup_exec(struct launch *launch, struct fault *fault)
{
	struct json_object *message OBJECT_CLEANUP = NULL;
	pid_t sender;
	int result;

	if (launch->machine != NULL && launch->machine->firecracker.wanted)
		return firecracker_run(launch, fault);
	setup_close_streams(launch->plan);
	launch->started_ns = event_boot_ns();
	if (channel_tell(launch->workload_fd, CHANNEL_EXEC, NULL, 0) < 0)
		return lost(0, "the workload's process", fault);
	/* The exec closes the other end; a message is a failure. */
	result = channel_receive(launch->workload_fd, SETUP_MS, &message, &sender);
	descriptor_close(&launch->workload_fd);
	if (result < 0)
		return lost(result, "the workload's process", fault);
	if (result == 0)
		return report_started(launch, fault);
	launch->exec_errno = number_of(message, "errno");
	return fault_set_errno(fault, CODE, launch->exec_errno, "launch.exec",
			       "cannot execute %s: it must be a program for this machine",
			       launch->plan->argv[0]);
}
