/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/init/command.h"

#include "ipc/object.h"
#include "sandbox/caps.h"
#include "stages/init/network.h"
#include "stages/launch/channel.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/init.h"
#include "stages/launch/namespace.h"
#include "stages/launch/plan.h"
#include "stages/launch/readback.h"

#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define CODE	 FAULT_RUN_LAUNCH
#define PATH	 "init.command"
#define SETUP_MS 120000 /* without KVM a guest is slow */

void command_init(struct command *command)
{
	*command = (struct command){
		.init_fd = -1, .workload_fd = -1, .pidfd = -1, .workdir_fd = -1, .net_fd = -1};
}

static int64_t number_of(struct json_object *message, const char *name)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(message, json_type_object))
		return -1;
	(void)json_object_object_get_ex(message, name, &value);
	return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
}

static enum fault_code told_failure(struct command *command, struct json_object *message,
				    struct fault *fault)
{
	enum fault_code code = fault_code_parse(object_text(message, "code"));
	int64_t error_number = number_of(message, "errno");

	if (error_number > 0)
		command->exec_errno = (int)error_number;
	return fault_set(fault, code == FAULT_NONE ? CODE : code, object_text(message, "path"),
			 "%s", object_text(message, "message"));
}

/* What init has to say on the way that is not news here: of mounts, and that its namespace is told. */
static bool passed_over(const char *type)
{
	return strcmp(type, "mount") == 0 || strcmp(type, "network") == 0;
}

/* Its network namespace, or the work directory. */
static void keep_descriptor(struct command *command, const char *type, int fd)
{
	int *place = strcmp(type, "netns") == 0 ? &command->net_fd : &command->workdir_fd;

	descriptor_close(place);
	*place = fd;
}

/* The next message of the type wanted. */
static enum fault_code expect(struct command *command, int fd, const char *type,
			      struct json_object **message, pid_t *sender, struct fault *fault)
{
	for (;;) {
		int passed_fd = -1;
		int result = channel_receive_fd(fd, SETUP_MS, message, sender, &passed_fd);
		const char *told;

		if (result <= 0)
			return fault_set(fault, CODE, PATH,
					 "the sandbox's process ended before it was ready");
		told = object_text(*message, "type");
		if (passed_fd >= 0) {
			keep_descriptor(command, told, passed_fd);
		} else if (strcmp(told, type) == 0) {
			return FAULT_NONE;
		} else if (!passed_over(told)) {
			(void)told_failure(command, *message, fault);
			object_release(message);
			return fault->code;
		}
		object_release(message);
	}
}

static enum fault_code clone_init(struct command *command, struct plan *plan, struct fault *fault)
{
	struct init_arguments arguments = {.plan = plan};
	int error_number;

	if (channel_pair(&command->init_fd, &arguments.channel_fd) < 0 ||
	    channel_pair(&command->workload_fd, &arguments.workload_channel_fd) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot make a socket pair");
	command->init_pid = namespace_clone(false, &command->pidfd);
	error_number = errno;
	if (command->init_pid == 0) {
		/* What sr-launch has given up long before, and locked, when it clones its init. */
		if (caps_clear_ambient() < 0 || caps_clear_bounding(0) < 0 ||
		    caps_lock_securebits(false) < 0)
			_exit(EXIT_FAILURE);
		init_main(&arguments);
	}
	(void)close(arguments.channel_fd);
	(void)close(arguments.workload_channel_fd);
	if (command->init_pid > 0)
		return FAULT_NONE;
	command->pidfd = -1;
	return namespace_explain(error_number, false, PATH, fault);
}

static enum fault_code tell(int fd, enum channel_word word, const int *fds, size_t count,
			    struct fault *fault)
{
	if (channel_tell(fd, word, fds, count) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, PATH, "the sandbox's process is gone");
}

static enum fault_code await_built(struct command *command, struct json_object **namespaces,
				   struct fault *fault)
{
	struct json_object *built OBJECT_CLEANUP = NULL;
	char process[16];
	pid_t sender;
	enum fault_code code = expect(command, command->init_fd, "built", &built, &sender, fault);

	if (code != FAULT_NONE)
		return code;
	(void)snprintf(process, sizeof process, "%d", command->init_pid);
	*namespaces = readback_namespaces(process);
	return tell(command->init_fd, CHANNEL_HIDE, NULL, 0, fault);
}

/* Anything that is not as asked ends the start; what is as asked needs no record here. */
static enum fault_code read_back(struct command *command, const struct plan *plan,
				 struct json_object *theirs, struct fault *fault)
{
	struct json_object *confined OBJECT_CLEANUP = NULL;
	struct json_object *ready OBJECT_CLEANUP = NULL;
	struct json_object *ours OBJECT_CLEANUP = readback_namespaces("self");
	struct json_object *clauses OBJECT_CLEANUP = array_new();
	enum fault_code code = expect(command, command->workload_fd, "confined", &confined,
				      &command->workload_pid, fault);
	const struct readback_place place = {.plan = plan,
					     .pid = command->workload_pid,
					     .confined = confined,
					     .ours = ours,
					     .theirs = theirs};
	const struct readback_process process = {.plan = plan,
						 .pid = command->workload_pid,
						 .outer_uid = plan->uid,
						 .outer_gid = plan->gid};
	pid_t sender;

	if (code == FAULT_NONE)
		code = readback_place(&place, clauses, fault);
	if (code == FAULT_NONE)
		code = expect(command, command->workload_fd, "ready", &ready, &sender, fault);
	return code == FAULT_NONE ? readback_process(&process, ready, clauses, fault) : code;
}

/* The exec closes the other end; a message is a failure. */
static enum fault_code let_go(struct command *command, const struct plan *plan, struct fault *fault)
{
	struct json_object *message OBJECT_CLEANUP = NULL;
	pid_t sender;
	int result = -1;
	enum fault_code code = tell(command->workload_fd, CHANNEL_EXEC, NULL, 0, fault);

	if (code == FAULT_NONE)
		result = channel_receive(command->workload_fd, SETUP_MS, &message, &sender);
	descriptor_close(&command->workload_fd);
	if (code != FAULT_NONE || result == 0)
		return code;
	if (result < 0)
		return fault_set(fault, CODE, PATH, "the sandbox's process did not start");
	command->exec_errno = (int)number_of(message, "errno");
	return fault_set_errno(fault, CODE, command->exec_errno, "launch.exec",
			       "cannot execute %s: it must be a program for this machine",
			       plan->argv[0]);
}

enum fault_code command_start(struct command *command, struct plan *plan,
			      const struct init_network *network, int root_fd, int group_fd,
			      struct fault *fault)
{
	struct json_object *theirs OBJECT_CLEANUP = NULL;
	enum fault_code code = clone_init(command, plan, fault);

	plan->cgroup_clone = true;
	if (code == FAULT_NONE)
		code = tell(command->init_fd, CHANNEL_BUILD, &root_fd, 1, fault);
	if (code == FAULT_NONE)
		code = tell(command->init_fd, CHANNEL_FORK, &group_fd, 1, fault);
	if (code == FAULT_NONE)
		code = await_built(command, &theirs, fault);
	if (code == FAULT_NONE)
		code = read_back(command, plan, theirs, fault);
	if (code == FAULT_NONE)
		code = network_bring_up(network, command->net_fd, fault);
	descriptor_close(&command->net_fd);
	return code == FAULT_NONE ? let_go(command, plan, fault) : code;
}

void command_hear(struct command *command)
{
	struct json_object *message OBJECT_CLEANUP = NULL;
	struct json_object *rusage = NULL;

	command->ended = true;
	/* End of file: the sandbox's pid 1 was killed, and everything with it. */
	if (channel_receive(command->init_fd, 0, &message, NULL) <= 0)
		return;
	(void)json_object_object_get_ex(message, "rusage", &rusage);
	command->known = strcmp(object_text(message, "type"), "exit") == 0;
	command->wait_status = (int)number_of(message, "status");
	command->max_rss_bytes = number_of(rusage, "maxRssBytes");
	command->system_us = number_of(rusage, "systemUs");
	command->user_us = number_of(rusage, "userUs");
}

void command_signal(const struct command *command, int number)
{
	/* Gone: its end is seen in the next round. */
	if (command->init_fd >= 0)
		(void)!channel_tell_signal(command->init_fd, number);
}

void command_end(struct command *command)
{
	int status;

	if (command->pidfd < 0)
		return;
	(void)pidfd_send_signal(command->pidfd, SIGKILL, NULL, 0);
	while (waitpid(command->init_pid, &status, 0) < 0 && errno == EINTR)
		;
	descriptor_close(&command->pidfd);
	descriptor_close(&command->init_fd);
	descriptor_close(&command->workload_fd);
}
