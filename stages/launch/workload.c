/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/workload.h"

#include "ipc/object.h"
#include "sandbox/sandbox.h"
#include "stages/launch/channel.h"
#include "stages/launch/confine.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/exec.h"
#include "stages/launch/fallback.h"
#include "stages/launch/identity.h"
#include "stages/launch/message.h"
#include "stages/launch/network_machine.h"
#include "stages/launch/plan.h"
#include "stages/launch/probe.h"
#include "stages/launch/readback.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_LAUNCH
#define CHANNEL_AT 4 /* 3 is for a script; see stages/launch/exec.h */

/*
 * "0" moves the writer (cgroups(7)). On version 2 the clone put us there already and no descriptor
 * is given. Then our cgroup becomes the root of what we see: CAP_SYS_ADMIN in our own user
 * namespace is enough and is about to go.
 */
static enum fault_code enter_cgroup(const int *cgroup_fds, struct fault *fault)
{
	for (size_t i = 0; i < CHANNEL_FD_MAX; i++)
		if (cgroup_fds[i] >= 0 && write(cgroup_fds[i], "0", 1) != 1)
			return fault_set_errno(fault, CODE, errno, "launch.cgroup.attach",
					       "cannot enter the run's cgroup");
	if (unshare(CLONE_NEWCGROUP) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.namespace.cgroup",
				       "cannot make a cgroup namespace");
	return FAULT_NONE;
}

static int put(int fd, int place)
{
	return fd == place ? fcntl(fd, F_SETFD, 0) : dup2(fd, place);
}

/* A terminal of its own, and with setsid(2) done, never the caller's. */
static int arrange_terminal(int pty_fd)
{
	if (ioctl(pty_fd, TIOCSCTTY, 0) < 0)
		return -1;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (put(pty_fd, fd) < 0)
			return -1;
	return 0;
}

static int arrange_streams(const struct plan *plan)
{
	int err = plan->stderr_fd >= 0 ? plan->stderr_fd : STDERR_FILENO;
	int out = plan->stdout_fd >= 0 ? plan->stdout_fd : STDERR_FILENO;

	if (plan->machine.wanted) {
		out = plan->machine.out_fd;
		err = plan->machine.err_fd;
	}
	if (plan->pty_fd >= 0)
		return arrange_terminal(plan->pty_fd);
	/* stdout before stderr: without its own it is a copy of the launcher's stderr. */
	if (put(out, STDOUT_FILENO) < 0 || put(err, STDERR_FILENO) < 0)
		return -1;
	return plan->stdin_fd >= 0 && !plan->stdin_none ? put(plan->stdin_fd, STDIN_FILENO)
							: descriptor_null(STDIN_FILENO);
}

static enum fault_code arrange_descriptors(const struct plan *plan, int *channel_fd,
					   struct fault *fault)
{
	const int tap_fd = plan->machine.tap_fd;
	const int kept[] = {CHANNEL_AT, tap_fd >= 0 ? NETWORK_MACHINE_TAP_FD : -1};

	if (setsid() < 0 || arrange_streams(plan) < 0)
		return fault_set_errno(fault, CODE, errno,
				       plan->pty_fd >= 0 ? "launch.tty" : "launch.streams",
				       "cannot arrange the workload's input and output");
	/* The channel ends with the exec: that is how the launcher sees that it happened. */
	if (*channel_fd != CHANNEL_AT && dup3(*channel_fd, CHANNEL_AT, O_CLOEXEC) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.streams",
				       "cannot move the channel");
	*channel_fd = CHANNEL_AT;
	if (tap_fd >= 0 && put(tap_fd, NETWORK_MACHINE_TAP_FD) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.streams",
				       "cannot move the machine's interface");
	if (descriptor_keep(kept, sizeof kept / sizeof kept[0]) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.streams",
				       "cannot close the other descriptors");
	return FAULT_NONE;
}

/* A program expects the usual: nothing ignored, nothing blocked, umask 022. */
static void usual_surroundings(void)
{
	const struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t none;

	/* The launcher ignores these two alone (stages/stage.c). */
	(void)sigaction(SIGPIPE, &usual, NULL);
	(void)sigaction(SIGXFSZ, &usual, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	umask(022);
}

static enum fault_code enter_workdir(const struct plan *plan, struct fault *fault)
{
	if (chdir(plan->cwd) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, "launch.workdir",
			       "cannot enter the work directory %s as the workload's user %u",
			       plan->cwd, plan->uid);
}

/* All but the filter. */
static enum fault_code confine(const struct plan *plan, const int *cgroup_fds, int *channel_fd,
			       struct landlock_report *report, struct fault *fault)
{
	enum fault_code code = enter_cgroup(cgroup_fds, fault);

	if (code == FAULT_NONE)
		code = arrange_descriptors(plan, channel_fd, fault);
	if (code == FAULT_NONE)
		code = identity_drop(plan, fault);
	if (code == FAULT_NONE && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		code = fault_set_errno(fault, CODE, errno, "launch.no_new_privs",
				       "cannot set no_new_privs");
	if (code == FAULT_NONE)
		code = enter_workdir(plan, fault);
	if (code == FAULT_NONE)
		code = confine_files(plan, report, fault);
	return code;
}

static enum fault_code install_filter(const struct plan *plan, const char *strict_name,
				      struct fault *fault)
{
	bool strict = strcmp(plan->seccomp, "strict") == 0;
	const struct sandbox_filter *filter =
		strict ? sandbox_workload_filter(strict_name) : plan->filter;

	if (sandbox_filter_install(filter) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, "launch.seccomp",
			       "cannot install the workload's filter");
}

static struct json_object *describe_file(const struct exec_file *file)
{
	struct json_object *object = object_new();

	object_add_escaped(object, "path", file->path, strlen(file->path));
	object_add_string(object, "sha256", file->hash);
	return object;
}

static struct json_object *describe_confined(const struct exec_plan *exec,
					     const struct landlock_report *report)
{
	struct json_object *confined = message_new("confined");
	struct json_object *executable = describe_file(&exec->program);
	struct json_object *landlock = object_new();

	object_add(executable, "interpreter",
		   exec->script ? describe_file(&exec->interpreter) : NULL);
	object_add(confined, "executable", executable);
	object_add_integer(landlock, "abi", report->abi);
	object_add_integer(landlock, "fs", (int64_t)report->handled_fs);
	object_add_integer(landlock, "net", (int64_t)report->handled_net);
	object_add_integer(landlock, "scoped", (int64_t)report->scoped);
	object_add(confined, "landlock", landlock);
	object_add(confined, "namespaces", readback_namespaces("self"));
	return confined;
}

static struct json_object *describe_ready(const struct plan *plan)
{
	struct json_object *ready = message_new("ready");
	struct json_object *probes = object_new();

	for (size_t i = 0; i < PROBE_COUNT; i++)
		object_add_integer(probes, probe_name((enum probe_kind)i),
				   probe_try((enum probe_kind)i, plan->network.probe_port));
	object_add(ready, "probes", probes);
	return ready;
}

static void tell(int channel_fd, struct json_object *message)
{
	if (channel_report(channel_fd, message) < 0)
		_exit(EXIT_FAILURE);
	object_release(&message);
}

_Noreturn static void fail(int channel_fd, const struct fault *fault, int error_number)
{
	/* Nobody left to tell when the launcher is gone; init ends with it. */
	if (message_fail(channel_fd, fault, error_number) < 0)
		_exit(EXIT_FAILURE);
	_exit(EXIT_FAILURE);
}

_Noreturn static void wait_and_exec(const struct plan *plan, const struct exec_plan *exec)
{
	struct json_object *message = message_new("exec");

	/* Without a word the launcher would take our end for that of the command. */
	if (channel_wait(CHANNEL_AT, CHANNEL_EXEC, NULL) < 0)
		object_add_integer(message, "errno", errno);
	else
		object_add_integer(message, "errno", exec_run(plan, exec));
	if (channel_report(CHANNEL_AT, message) < 0)
		_exit(EXIT_FAILURE);
	_exit(EXIT_FAILURE);
}

_Noreturn void workload_main(const struct plan *plan, bool spare, int channel_fd,
			     const int *cgroup_fds)
{
	/* Both have the plan's program; their words differ. */
	struct exec_plan exec = {
		.program.fd = -1,
		.interpreter.fd = -1,
		.words = spare ? plan->machine.spare_argv : plan->argv,
		.word_count = spare ? plan->machine.spare_arg_count : plan->arg_count,
	};
	struct landlock_report report;
	const char *strict_name = "";
	struct fault fault;
	int error_number = 0;

	if (confine(plan, cgroup_fds, &channel_fd, &report, &fault) != FAULT_NONE)
		fail(channel_fd, &fault, 0);
	if (exec_prepare(plan, &exec, &error_number, &fault) != FAULT_NONE ||
	    exec_arrange(plan, &exec, &strict_name, &fault) != FAULT_NONE ||
	    identity_limit(plan, &fault) != FAULT_NONE)
		fail(channel_fd, &fault, error_number);
	tell(channel_fd, describe_confined(&exec, &report));
	usual_surroundings();
	fallback_apply(plan);
	if (install_filter(plan, strict_name, &fault) != FAULT_NONE)
		fail(channel_fd, &fault, 0);
	tell(channel_fd, describe_ready(plan));
	wait_and_exec(plan, &exec);
}
