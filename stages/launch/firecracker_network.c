/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/firecracker.h"

#include "ipc/event.h"
#include "ipc/object.h"
#include "stages/launch/channel.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/firecracker_cable.h"
#include "stages/launch/launch.h"
#include "stages/launch/message.h"
#include "stages/launch/setup_part.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_NETWORK
#define PATH	   "launch.network.cable"
#define OWN	   "/proc/self/ns/net"
#define PLUGGED_NS (10 * 1000000000ULL)
#define STEP_NS	   2000000L

/* In the machine's network namespace, and handed on as a socket there. */
static enum fault_code make_cable(const struct plan *plan, int run_fd, int channel_fd,
				  struct fault *fault)
{
	struct json_object *message OBJECT_CLEANUP = message_new("cable");
	enum fault_code code = cable_make(plan->machine.tap, run_fd, plan->uid, fault);
	int fd, result;

	if (code != FAULT_NONE)
		return code;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	result = fd < 0 ? -1 : channel_report_fd(channel_fd, message, fd);
	if (result < 0)
		(void)fault_set_errno(fault, CODE, errno, PATH,
				      "cannot hand on the machine's network namespace");
	descriptor_close(&fd);
	return result < 0 ? fault->code : FAULT_NONE;
}

/*
 * A child that was cloned into the run's network namespace, of the launcher's code and for this alone: it is
 * root over two namespaces that nobody is in yet, and ends.
 */
static enum fault_code make_both(const struct plan *plan, int channel_fd, struct fault *fault)
{
	int run_fd = open(OWN, O_RDONLY | O_CLOEXEC);
	enum fault_code code;

	if (run_fd < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    unshare(CLONE_NEWNET) < 0)
		return fault_set_errno(fault, CODE, errno, PATH,
				       "cannot make the machine's network namespace");
	code = make_cable(plan, run_fd, channel_fd, fault);
	if (code != FAULT_NONE)
		return code;
	if (setns(run_fd, CLONE_NEWNET) < 0)
		return fault_set_errno(fault, CODE, errno, PATH,
				       "cannot return to the run's network namespace");
	return network_pass(plan, channel_fd, fault);
}

_Noreturn static void child_main(const struct plan *plan, int channel_fd)
{
	struct fault fault;

	if (make_both(plan, channel_fd, &fault) == FAULT_NONE)
		_exit(EXIT_SUCCESS);
	(void)!message_fail(channel_fd, &fault, 0);
	_exit(EXIT_FAILURE);
}

/* true: it was the last one, and all is here. */
static enum fault_code take(struct launch *launch, struct json_object *message, int fd, bool *last,
			    struct fault *fault)
{
	int *cable_fd = &launch->machine->firecracker.cable_fd;
	struct json_object *value = NULL;
	const char *type;

	(void)json_object_object_get_ex(message, "type", &value);
	type = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
	*last = fd < 0 && strcmp(type, "network") == 0;
	if (*last)
		return FAULT_NONE;
	if (fd < 0)
		return setup_told_failure(launch, message, fault);
	if (strcmp(type, "cable") == 0 && *cable_fd < 0) {
		*cable_fd = fd;
		return FAULT_NONE;
	}
	if (network_take(launch, type, fd))
		return FAULT_NONE;
	descriptor_close(&fd);
	return fault_set(fault, CODE, PATH, "something was handed on that we do not know");
}

static enum fault_code take_all(struct launch *launch, int channel_fd, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;
	bool last = false;

	while (code == FAULT_NONE && !last) {
		struct json_object *message OBJECT_CLEANUP = NULL;
		pid_t sender;
		int fd = -1;

		if (channel_receive_fd(channel_fd, SETUP_MS, &message, &sender, &fd) <= 0)
			return fault_set(fault, CODE, PATH,
					 "who makes the network namespaces ended without a word");
		code = take(launch, message, fd, &last, fault);
	}
	return code;
}

static enum fault_code make_namespaces(struct launch *launch, struct fault *fault)
{
	struct clone_args args = {.flags = CLONE_NEWNET, .exit_signal = (uint64_t)SIGCHLD};
	int ours = -1, theirs = -1;
	enum fault_code code;
	pid_t pid = -1;

	if (channel_pair(&ours, &theirs) == 0)
		pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	if (pid == 0) {
		descriptor_close(&ours);
		child_main(launch->plan, theirs);
	}
	if (pid < 0)
		code = fault_set_errno(fault, CODE, errno, PATH,
				       "cannot make the run's network namespace");
	descriptor_close(&theirs);
	if (pid > 0)
		code = take_all(launch, ours, fault);
	descriptor_close(&ours);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return code;
}

enum fault_code firecracker_network(struct launch *launch, struct fault *fault)
{
	enum fault_code code;

	if (!launch->plan->network.wanted)
		return FAULT_NONE;
	code = make_namespaces(launch, fault);
	if (code == FAULT_NONE && launch->machine->firecracker.cable_fd < 0)
		code = fault_set(fault, CODE, PATH, "there is no namespace for the machine");
	if (code == FAULT_NONE)
		code = network_start(launch, fault);
	if (code == FAULT_NONE)
		code = network_apply(launch, fault);
	return code == FAULT_NONE ? network_settle(launch, fault) : code;
}

/* As readback_namespaces tells others: the namespace behind a socket. */
static struct json_object *describe(int socket_fd)
{
	struct json_object *object = object_new(), *namespaces = object_new();
	int fd = ioctl(socket_fd, SIOCGSKNS);
	struct stat info = {.st_ino = 0};
	char text[64];

	if (fd >= 0)
		(void)!fstat(fd, &info);
	descriptor_close(&fd);
	(void)snprintf(text, sizeof text, "net:[%ju]", (uintmax_t)info.st_ino);
	object_add_string(namespaces, "net", text);
	object_add(object, "namespaces", namespaces);
	return object;
}

enum fault_code firecracker_plugged(struct launch *launch, struct json_object *enforcement,
				    struct fault *fault)
{
	const struct timespec step = {.tv_nsec = STEP_NS};
	int cable_fd = launch->machine->firecracker.cable_fd;
	struct json_object *confined OBJECT_CLEANUP = NULL;
	uint64_t end_ns = event_boot_ns() + PLUGGED_NS;

	if (cable_fd < 0)
		return FAULT_NONE;
	/* Only the machine's user can open it, and that user has one process. */
	while (!cable_plugged(cable_fd)) {
		if (event_boot_ns() >= end_ns)
			return fault_set(fault, CODE, PATH,
					 "Firecracker has not opened its interface");
		(void)nanosleep(&step, NULL);
	}
	confined = describe(cable_fd);
	network_enforcement(launch, confined, enforcement);
	return FAULT_NONE;
}
