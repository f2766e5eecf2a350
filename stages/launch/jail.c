/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/jail.h"

#include "ipc/canon.h"
#include "stages/launch/channel.h"
#include "stages/launch/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CODE	FAULT_RUN_LAUNCH
#define PATH	"launch.jail"
#define FD_TEXT sizeof("2147483647")
#define FDS_MAX 8

void jail_init(struct jail *jail)
{
	*jail = (struct jail){.pidfd = -1, .channel_fd = -1, .console_fd = -1, .log_fd = -1};
}

/* Its streams are the machine's; the launcher's own, the bundle's and the events', are not there. */
_Noreturn static void become(int home_fd, int channel_fd, int console_fd, int log_fd)
{
	char number[FD_TEXT];
	const char *const argv[] = {"sr-jail", "--channel-fd", number, NULL};
	static char *const no_environment[] = {NULL};
	const int kept[] = {home_fd, channel_fd};

	(void)snprintf(number, sizeof number, "%d", channel_fd);
	if (descriptor_null(STDIN_FILENO) == 0 && dup2(console_fd, STDOUT_FILENO) >= 0 &&
	    dup2(log_fd, STDERR_FILENO) >= 0 && fcntl(channel_fd, F_SETFD, 0) == 0 &&
	    descriptor_keep(kept, 2) == 0)
		(void)execveat(home_fd, "sr-jail", (char *const *)argv, no_environment,
			       AT_SYMLINK_NOFOLLOW);
	_exit(127);
}

static int open_pipe(int *ours, int *theirs)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	*ours = ends[0];
	*theirs = ends[1];
	return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

int jail_start(struct jail *jail, int home_fd)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&jail->pidfd,
		.exit_signal = (uint64_t)SIGCHLD,
	};
	int channel_fd = -1, console_fd = -1, log_fd = -1;
	int error_number = 0;

	if (channel_pair(&jail->channel_fd, &channel_fd) < 0 ||
	    open_pipe(&jail->console_fd, &console_fd) < 0 || open_pipe(&jail->log_fd, &log_fd) < 0)
		error_number = errno;
	if (error_number == 0) {
		jail->pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
		if (jail->pid == 0)
			become(home_fd, channel_fd, console_fd, log_fd);
		if (jail->pid < 0) {
			error_number = errno;
			jail->pid = 0;
			jail->pidfd = -1;
		}
	}
	descriptor_close(&channel_fd);
	descriptor_close(&console_fd);
	descriptor_close(&log_fd);
	errno = error_number;
	return error_number == 0 ? 0 : -1;
}

enum fault_code jail_ask(int channel_fd, struct json_object *request, const int *fds, size_t count,
			 struct fault *fault)
{
	union {
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct msghdr header = {.msg_iovlen = 1};
	struct buf text BUF_CLEANUP;
	struct iovec vector;
	enum fault_code code;

	buf_init(&text, CHANNEL_MESSAGE_MAX);
	code = canon_write(request, &text, CODE, fault);
	if (code == FAULT_NONE && (text.overflowed || count > FDS_MAX))
		code = fault_set(fault, CODE, PATH,
				 "the names of the machine's files are too long");
	if (code != FAULT_NONE)
		return code;
	vector = (struct iovec){.iov_base = text.data, .iov_len = text.len};
	header.msg_iov = &vector;
	if (count > 0) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, count * sizeof(int));
	}
	if (sendmsg(channel_fd, &header, MSG_NOSIGNAL) >= 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, PATH,
			       "sr-jail, which must lie beside sr-launch, cannot be asked");
}

void jail_dismiss(struct jail *jail)
{
	struct pollfd item = {.fd = jail->pidfd, .events = POLLIN};

	descriptor_close(&jail->channel_fd);
	if (jail->pid > 0 && poll(&item, 1, JAIL_END_MS) <= 0)
		(void)!pidfd_send_signal(jail->pidfd, SIGKILL, NULL, 0);
	while (jail->pid > 0 && waitpid(jail->pid, NULL, 0) < 0 && errno == EINTR)
		;
	jail->pid = 0;
	descriptor_close(&jail->pidfd);
	descriptor_close(&jail->console_fd);
	descriptor_close(&jail->log_fd);
}
