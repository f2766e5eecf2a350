/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/jail/warden.h"

#include "ipc/object.h"
#include "stages/jail/base.h"
#include "stages/jail/netspace.h"
#include "stages/launch/channel.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CODE	 FAULT_RUN_LAUNCH
#define PATH	 "launch.jailer"
#define PID_FILE JAIL_EXEC ".pid" /* jailer writes Firecracker's there, with --new-pid-ns */
#define PID_SIZE 16

_Noreturn static void fail(const struct warden *warden, const struct fault *fault)
{
	(void)!message_fail(warden->channel_fd, fault, 0);
	_exit(EXIT_FAILURE);
}

/* "0" is who writes; of version 2 jailer sees to itself. */
static int enter_cgroups(const struct request *request)
{
	for (size_t i = 0; i < request->tasks_count; i++)
		if (write(request->tasks_fds[i], "0", 1) != 1)
			return -1;
	return 0;
}

/* Streams 1 and 2 are the machine's console and messages; jailer closes all above. */
_Noreturn static void become_jailer(const struct warden *warden)
{
	static char *const no_environment[] = {NULL};
	const int kept[] = {warden->jailer_fd}; /* closes at exec */
	sigset_t none;

	(void)sigemptyset(&none);
	if (descriptor_null(STDIN_FILENO) == 0 && descriptor_keep(kept, 1) == 0 &&
	    sigprocmask(SIG_SETMASK, &none, NULL) == 0)
		(void)execveat(warden->jailer_fd, "", (char *const *)warden->command.argv,
			       no_environment, AT_EMPTY_PATH);
	_exit(126);
}

/* What jailer wrote is a number; that it is a child of ours the kernel says. */
static pid_t find_firecracker(const struct warden *warden)
{
	int fd = openat(warden->place->root_fd, PID_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[PID_SIZE] = "";
	siginfo_t info = {0};
	long pid;

	if (fd < 0)
		return -1;
	(void)!read(fd, text, sizeof text - 1);
	(void)close(fd);
	pid = strtol(text, NULL, 10);
	if (pid <= 1 || pid > INT32_MAX ||
	    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return -1;
	return (pid_t)pid;
}

/* The kernel translates the pid for the launcher's namespace (unix(7), SCM_CREDENTIALS). */
static int tell_running(const struct warden *warden, pid_t pid)
{
	static char text[] = "{\"type\":\"running\"}";
	const struct ucred credentials = {.pid = pid, .uid = getuid(), .gid = getgid()};
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control = {0};
	struct iovec vector = {.iov_base = text, .iov_len = sizeof text - 1};
	struct msghdr header = {.msg_iov = &vector,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof control};

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_CREDENTIALS;
	control.align.cmsg_len = CMSG_LEN(sizeof credentials);
	memcpy(CMSG_DATA(&control.align), &credentials, sizeof credentials);
	return sendmsg(warden->channel_fd, &header, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

_Noreturn static void tell_exit(const struct warden *warden, int status, const struct rusage *usage)
{
	struct json_object *message = message_new("exit");

	object_add_integer(message, "status", status);
	message_add_usage(message, usage);
	_exit(channel_report(warden->channel_fd, message) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

_Noreturn static void jailer_failed(const struct warden *warden, int status)
{
	struct fault fault;

	if (WIFSIGNALED(status))
		(void)fault_set(&fault, CODE, PATH, "jailer was killed by SIG%s",
				sigabbrev_np(WTERMSIG(status)) ?: "?");
	else
		(void)fault_set(&fault, CODE, PATH, "jailer ended with status %d%s",
				WEXITSTATUS(status),
				WEXITSTATUS(status) == 0 ? " and left no Firecracker" : "");
	fail(warden, &fault);
}

/* SIGCHLDs merge, so all that is there is taken each time. */
static void reap(const struct warden *warden, pid_t jailer, pid_t *firecracker)
{
	struct rusage usage;
	int status = 0;
	pid_t pid;

	for (;;) {
		siginfo_t info = {0};

		/* Looked at first: while it is there, its number is nobody else's. */
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return;
		if (*firecracker == 0 && info.si_pid != jailer)
			return;
		pid = wait4(info.si_pid, &status, 0, &usage);
		if (pid == *firecracker)
			tell_exit(warden, status, &usage);
		if (pid != jailer)
			continue;
		*firecracker = status == 0 ? find_firecracker(warden) : -1;
		if (*firecracker <= 0 || tell_running(warden, *firecracker) < 0)
			jailer_failed(warden, status);
	}
}

static int watch_children(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static pid_t start_jailer(const struct warden *warden, int *child_fd, struct fault *fault)
{
	pid_t pid;

	/* A launcher or an sr-jail that is gone before this line has closed the channel. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || (*child_fd = watch_children()) < 0)
		return (pid_t) - (int)fault_set_errno(fault, CODE, errno, PATH, "cannot watch it");
	if (enter_cgroups(warden->request) < 0)
		return (pid_t) - (int)fault_set_errno(fault, CODE, errno, PATH,
						      "cannot enter the run's cgroup");
	if (netspace_mount(warden->place, warden->netns_fd) < 0)
		return (pid_t) - (int)fault_set_errno(fault, CODE, errno, PATH,
						      "cannot mount its network namespace");
	pid = fork();
	if (pid == 0)
		become_jailer(warden);
	if (pid < 0)
		return (pid_t) - (int)fault_set_errno(fault, CODE, errno, PATH, "cannot start it");
	return pid;
}

_Noreturn void warden_main(const struct warden *warden)
{
	struct pollfd items[] = {{.fd = warden->channel_fd}, {.events = POLLIN}};
	struct signalfd_siginfo info;
	struct fault fault;
	pid_t firecracker = 0;
	pid_t jailer = start_jailer(warden, &items[1].fd, &fault);

	if (jailer < 0)
		fail(warden, &fault);
	for (;;) {
		reap(warden, jailer, &firecracker);
		if (poll(items, 2, -1) < 0 && errno != EINTR)
			_exit(EXIT_FAILURE);
		/* What it says does not matter: reading only makes it quiet again. */
		if (items[1].revents != 0 && read(items[1].fd, &info, sizeof info) < 0)
			_exit(EXIT_FAILURE);
		/* The launcher is gone: so is the run. */
		if ((items[0].revents & (POLLHUP | POLLERR)) != 0)
			_exit(EXIT_FAILURE);
	}
}
