/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/assistant.h"

#include "sandbox/caps.h"
#include "stages/launch/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE	    FAULT_RUN_LAUNCH
#define NUMBER_SIZE sizeof("4294967295")

/* --parent-pid N, the descriptors' options and numbers, the words, the name, NULL. */
#define ARGV_MAX (4 + 2 * ASSISTANT_FD_MAX + ASSISTANT_WORD_MAX)

struct command {
	const char *argv[ARGV_MAX];
	char numbers[ASSISTANT_FD_MAX + 1][NUMBER_SIZE];
	size_t count;
};

int assistant_home(void)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
	char *slash;

	if (len < 0)
		return -1;
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL) {
		errno = ENOENT;
		return -1;
	}
	slash[1] = '\0';
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void add_word(struct command *command, const char *word)
{
	command->argv[command->count++] = word;
}

static void add_number(struct command *command, size_t index, const char *option, int number)
{
	(void)snprintf(command->numbers[index], NUMBER_SIZE, "%d", number);
	add_word(command, option);
	add_word(command, command->numbers[index]);
}

static void compose(struct command *command, const struct assistant_plan *plan)
{
	/* More than there is room for is a mistake in the launcher, not in what it was given. */
	if (plan->fd_count > ASSISTANT_FD_MAX || plan->word_count > ASSISTANT_WORD_MAX)
		abort();
	command->count = 0;
	add_word(command, plan->program);
	add_number(command, ASSISTANT_FD_MAX, "--parent-pid", getpid());
	for (size_t i = 0; i < plan->fd_count; i++)
		add_number(command, i, plan->fds[i].option, plan->fds[i].fd);
	for (size_t i = 0; i < plan->word_count; i++)
		add_word(command, plan->words[i]);
	command->argv[command->count] = NULL;
}

/*
 * Before confinement root would get everything back at exec, and the child would confine itself
 * from there; after it nothing comes back, for the securebits are locked. The same state in both
 * cases means one behaviour to test, so they are locked here too.
 */
static int give_up_privilege(const struct assistant_plan *plan)
{
	uint64_t kept = plan->capabilities;

	if (caps_clear_ambient() < 0)
		return -1;
	if ((caps_permitted() & 1ULL << CAP_SETPCAP) != 0 &&
	    (caps_clear_bounding(kept) < 0 || caps_lock_securebits(kept != 0) < 0))
		return -1;
	/* Unchanged ids keep the caller's groups, which in a user namespace nobody may change. */
	if ((plan->uid != geteuid() || plan->gid != getegid()) &&
	    (setgroups(0, NULL) < 0 || setresgid(plan->gid, plan->gid, plan->gid) < 0 ||
	     setresuid(plan->uid, plan->uid, plan->uid) < 0))
		return -1;
	if (kept != 0 ? caps_hand_on(kept) < 0 : caps_set(0) < 0)
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/*
 * The user namespace first: it is what gives the right to enter the other. Both are the run's own,
 * named by descriptors the launcher opened, and nothing of theirs is executed.
 */
static int join(const struct assistant_plan *plan)
{
	if (!plan->joins)
		return 0;
	if (plan->user_ns_fd >= 0 && setns(plan->user_ns_fd, CLONE_NEWUSER) < 0)
		return -1;
	return setns(plan->net_ns_fd, CLONE_NEWNET);
}

/* stdin, stdout and the named ones; stderr is the launcher's. Everything else closes. */
static int arrange_descriptors(const struct assistant_plan *plan, int stdin_fd, int stdout_fd)
{
	int kept[ASSISTANT_FD_MAX + 1];

	if (stdin_fd >= 0 ? dup2(stdin_fd, STDIN_FILENO) < 0 : descriptor_null(STDIN_FILENO) < 0)
		return -1;
	if (dup2(stdout_fd, STDOUT_FILENO) < 0)
		return -1;
	kept[plan->fd_count] = plan->home_fd; /* closes at exec */
	for (size_t i = 0; i < plan->fd_count; i++) {
		kept[i] = plan->fds[i].fd;
		if (fcntl(kept[i], F_SETFD, 0) < 0)
			return -1;
	}
	return descriptor_keep(kept, plan->fd_count + 1);
}

/* In the child. Its exit status alone tells of a failure here: no record comes. */
_Noreturn static void become(const struct assistant_plan *plan, const struct command *command,
			     int stdin_fd, int stdout_fd, pid_t launcher)
{
	static char *const no_environment[] = {NULL};

	/* After the ids, whose change clears it; a launcher that died before it is seen below. */
	if (join(plan) < 0 || give_up_privilege(plan) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != launcher ||
	    arrange_descriptors(plan, stdin_fd, stdout_fd) < 0)
		_exit(EXIT_FAILURE);
	(void)execveat(plan->home_fd, plan->program, (char *const *)command->argv, no_environment,
		       AT_SYMLINK_NOFOLLOW);
	_exit(errno == ENOENT ? 127 : 126);
}

static pid_t fork_watched(int *pidfd)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = (uint64_t)SIGCHLD,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

/* in: what the child reads, and our end of it; out: ours, and what the child writes. */
static int open_pipes(struct assistant *assistant, const struct assistant_plan *plan,
		      int *child_stdin, int *child_stdout)
{
	int ends[2];

	*child_stdin = *child_stdout = -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	assistant->out_fd = ends[0];
	*child_stdout = ends[1];
	if (plan->stdin_fd != ASSISTANT_STDIN_PIPE)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	*child_stdin = ends[0];
	assistant->stdin_fd = ends[1];
	return 0;
}

enum fault_code assistant_start(struct assistant *assistant, const struct assistant_plan *plan,
				struct fault *fault)
{
	struct command command;
	pid_t launcher = getpid();
	int child_stdin, child_stdout, error_number = 0;

	*assistant = (struct assistant){
		.pidfd = -1,
		.out_fd = -1,
		.stdin_fd = -1,
		.program = plan->program,
		.path = plan->path,
		.record_max = plan->record_max,
		.interrupt_fd = plan->interrupt_fd,
	};
	compose(&command, plan);
	if (open_pipes(assistant, plan, &child_stdin, &child_stdout) < 0)
		error_number = errno;
	if (error_number == 0) {
		assistant->pid = fork_watched(&assistant->pidfd);
		if (assistant->pid == 0)
			become(plan, &command, child_stdin >= 0 ? child_stdin : plan->stdin_fd,
			       child_stdout, launcher);
		if (assistant->pid < 0) {
			error_number = errno;
			assistant->pid = 0;
			assistant->pidfd = -1;
		}
	}
	descriptor_close(&child_stdin);
	descriptor_close(&child_stdout);
	if (error_number == 0)
		return FAULT_NONE;
	assistant_stop(assistant);
	return fault_set_errno(fault, CODE, error_number, plan->path, "cannot start %s",
			       plan->program);
}
