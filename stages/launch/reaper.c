/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/reaper.h"

#include "ipc/object.h"
#include "sandbox/sandbox.h"
#include "stages/launch/channel.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/identity.h"
#include "stages/launch/message.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define CODE	 FAULT_RUN_LAUNCH
#define PATH	 "launch.init"
#define CHILD_FD 3 /* SIGCHLD, once everything but the channel is closed */

static int watch_children(int channel_fd)
{
	const int kept[] = {channel_fd, CHILD_FD};
	sigset_t set;
	int fd;

	sigfillset(&set);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return -1;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0 || channel_fd == CHILD_FD || dup2(fd, CHILD_FD) < 0)
		return -1;
	return descriptor_keep(kept, sizeof kept / sizeof kept[0]);
}

enum fault_code reaper_confine(const struct plan *plan, int channel_fd, struct fault *fault)
{
	enum fault_code code = identity_drop(plan, fault);

	if (code != FAULT_NONE)
		return code;
	/* A change of ids clears it (prctl(2)); the channel's end tells of a death in between. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    watch_children(channel_fd) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot confine pid 1");
	if (sandbox_filter_install(&sandbox_filter_launch_init) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot install pid 1's filter");
	return FAULT_NONE;
}

/* type "exit", of all, or "ended": the one that waits beside it is still there. */
static void tell_end(int channel_fd, const char *type, int status, const struct rusage *usage)
{
	struct json_object *message OBJECT_CLEANUP = message_new(type);

	object_add_integer(message, "status", status);
	message_add_usage(message, usage);
	if (channel_report(channel_fd, message) < 0)
		_exit(EXIT_FAILURE);
}

/*
 * kill(-1) reaches everything in the namespace but us, and a fork that is under way fails with its
 * parent's signal pending; so when nothing is left to reap, nothing of the workload lives.
 */
static void end_others(void)
{
	while (kill(-1, SIGKILL) == 0 || errno != ESRCH)
		if (wait4(-1, NULL, 0, NULL) < 0 && errno == ECHILD)
			return;
}

/* Who waits for a workload that never was is not its survivor, and takes its place. */
static void workload_ended(int channel_fd, pid_t *workload, pid_t *spare, int status,
			   const struct rusage *usage)
{
	if (*spare == 0) {
		end_others();
		tell_end(channel_fd, "exit", status, usage);
		_exit(EXIT_SUCCESS);
	}
	*workload = *spare;
	*spare = 0;
	tell_end(channel_fd, "ended", status, usage);
}

/* SIGCHLDs merge, so all that is there is taken each time. */
static void reap(int channel_fd, pid_t *workload, pid_t *spare)
{
	struct rusage usage;
	int status = 0;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		if (pid == *spare)
			*spare = 0;
		else if (pid == *workload)
			workload_ended(channel_fd, workload, spare, status, &usage);
	}
	if (pid < 0 && errno != ECHILD && errno != EINTR)
		_exit(EXIT_FAILURE);
}

_Noreturn void reaper_loop(int channel_fd, pid_t pid, pid_t spare)
{
	struct pollfd items[] = {{.fd = channel_fd, .events = POLLIN},
				 {.fd = CHILD_FD, .events = POLLIN}};
	struct signalfd_siginfo info;

	for (;;) {
		/* First: a child may have ended before its signal was asked for. */
		reap(channel_fd, &pid, &spare);
		if (poll(items, 2, -1) < 0 && errno != EINTR)
			_exit(EXIT_FAILURE);
		/* What it says does not matter: reading only makes it quiet again. */
		if (items[1].revents != 0 && read(CHILD_FD, &info, sizeof info) < 0)
			_exit(EXIT_FAILURE);
		if (items[0].revents != 0) {
			int number = channel_wait_signal(channel_fd);

			/* The launcher is gone: so is the run. */
			if (number < 0)
				_exit(EXIT_FAILURE);
			/* It may have ended meanwhile, which the next round sees. */
			(void)kill(-pid, number);
		}
	}
}
