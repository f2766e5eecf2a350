/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spawn.h"

#include "cmd/affinity.h"
#include "cmd/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum fault_code spawn_find_home(struct spawn_home *home, struct fault *fault)
{
	ssize_t len = readlink("/proc/self/exe", home->path, sizeof(home->path));
	char *slash;

	if (len < 0 || (size_t)len >= sizeof(home->path))
		return fault_set_errno(fault, FAULT_RUN_INIT, len < 0 ? errno : ENAMETOOLONG,
				       "safe-run", "cannot find the directory safe-run is in");
	home->path[len] = '\0';
	slash = strrchr(home->path, '/');
	if (slash == NULL)
		return fault_set(fault, FAULT_RUN_INIT, "safe-run",
				 "cannot find the directory safe-run is in");
	*slash = '\0';
	processor_hint(home->processor);
	home->free = affinity_is_free(&home->processors);
	return FAULT_NONE;
}

void spawn_begin(struct spawn *spawn, const char *name, int stdin_fd, int stdout_fd)
{
	spawn->arg_count = 0;
	spawn->fd_count = 0;
	spawn->apart = false;
	spawn->overflowed = false;
	spawn->elsewhere = false;
	spawn->avoided = AFFINITY_NONE;
	spawn->stdin_fd = stdin_fd;
	spawn->stdout_fd = stdout_fd;
	spawn_flag(spawn, name);
}

void spawn_flag(struct spawn *spawn, const char *word)
{
	if (spawn->arg_count == SPAWN_ARGS_MAX) {
		spawn->overflowed = true;
		return;
	}
	spawn->args[spawn->arg_count++] = word;
	spawn->args[spawn->arg_count] = NULL;
}

void spawn_text(struct spawn *spawn, const char *option, const char *text)
{
	spawn_flag(spawn, option);
	spawn_flag(spawn, text);
}

void spawn_fd(struct spawn *spawn, const char *option, int fd)
{
	char *number;

	if (fd < 0)
		return;
	if (spawn->fd_count == SPAWN_FDS_MAX) {
		spawn->overflowed = true;
		return;
	}
	number = spawn->numbers[spawn->fd_count];
	snprintf(number, sizeof(spawn->numbers[0]), "%d", fd);
	spawn->fds[spawn->fd_count++] = fd;
	spawn_text(spawn, option, number);
}

/*
 * In the child of a vfork: system calls only, on memory that is the parent's. Everything of ours is
 * close-on-exec; the flag is cleared here, in the child's own table, for what the stage keeps. The
 * signals stay blocked across the exec: a stage that ignores the terminal's unblocks them once it
 * does (stages/stage.c), and a Ctrl-C that comes sooner does not end the witness.
 * Returns only when the program could not be executed.
 */
static void become_stage(const struct spawn *spawn, const char *path, char *const *environment)
{
	static const struct sigaction standard = {.sa_handler = SIG_DFL};

	for (size_t i = 0; i < spawn->fd_count; i++)
		if (fcntl(spawn->fds[i], F_SETFD, 0) != 0)
			return;
	if (dup2(spawn->stdin_fd, STDIN_FILENO) < 0 || dup2(spawn->stdout_fd, STDOUT_FILENO) < 0)
		return;
	if (spawn->apart && setpgid(0, 0) != 0)
		return;
	if (sigaction(SIGPIPE, &standard, NULL) != 0)
		return;
	execve(path, (char *const *)spawn->args, environment);
}

/*
 * vfork, because posix_spawn(3) makes 130 system calls on signals before each exec, and fork copies
 * page tables. The parent stands still until the exec, so nothing races; all signals are blocked
 * meanwhile. 0, or an errno.
 */
static int spawn_process(const struct spawn *spawn, const struct spawn_home *home, const char *path,
			 char *const *environment, pid_t *pid)
{
	sigset_t all;
	sigset_t before;
	volatile int error = 0;

	if (home->free)
		affinity_stay();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	*pid = vfork();
	if (*pid == 0) {
		if (home->free && spawn->elsewhere)
			(void)affinity_leave();
		if (home->free)
			affinity_restore(AFFINITY_NONE);
		become_stage(spawn, path, environment);
		error = errno;
		_exit(VERB_FAILED);
	}
	if (*pid < 0)
		error = errno;
	else if (error != 0)
		waitpid(*pid, NULL, 0);
	if (home->free)
		affinity_restore(spawn->avoided);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return error;
}

enum fault_code spawn_start(const struct spawn *spawn, const struct spawn_home *home,
			    struct process *process, struct fault *fault)
{
	const char *name = spawn->args[0];
	char *processor = home->processor[0] != '\0' ? (char *)home->processor : NULL;
	char *const environment[] = {processor, NULL}; /* execve(2) only reads it */
	char path[PATH_MAX];
	pid_t pid;
	int error;

	if (spawn->overflowed)
		return fault_set(fault, FAULT_RUN_INIT, name, "too many options for %s", name);
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", home->path, name) >= sizeof(path))
		return fault_set_errno(fault, FAULT_RUN_INIT, ENAMETOOLONG, name, "%s", home->path);
	error = spawn_process(spawn, home, path, environment, &pid);
	if (error == E2BIG)
		return fault_set(
			fault, FAULT_RUN_INIT, name,
			"the command line of %s is too long: execve(2) takes 128 KiB for a "
			"word (MAX_ARG_STRLEN), and for all of them a quarter of the limit "
			"on the stack; shorten --challenge or the path of a file",
			name);
	if (error != 0)
		return fault_set_errno(fault, FAULT_RUN_INIT, error, name, "cannot start %s", path);
	return process_adopt(process, pid, name, fault);
}

int spawn_and_wait(const struct spawn *spawn, const struct spawn_home *home)
{
	struct process process = PROCESS_NONE;
	struct process_end end;
	struct fault fault;

	if (spawn_start(spawn, home, &process, &fault) != FAULT_NONE) {
		fprintf(stderr, "safe-run: %s\n", fault.message);
		return VERB_FAILED;
	}
	end = process_reap(&process);
	return process_status(spawn->args[0], &end);
}
