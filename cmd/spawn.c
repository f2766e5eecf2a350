/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/spawn.h"

#include "cmd/verb.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

static bool ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

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
	home->apart = ignored(SIGINT) || ignored(SIGHUP);
	return FAULT_NONE;
}

void spawn_begin(struct spawn *spawn, const char *name, int stdin_fd, int stdout_fd)
{
	spawn->arg_count = 0;
	spawn->fd_count = 0;
	spawn->overflowed = false;
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
 * Everything of ours is close-on-exec; what a stage keeps is duplicated onto itself in the child,
 * which clears that flag there and only there (POSIX.1-2024 posix_spawn_file_actions_adddup2).
 */
static int plan_files(posix_spawn_file_actions_t *files, const struct spawn *spawn)
{
	int error = posix_spawn_file_actions_adddup2(files, spawn->stdin_fd, STDIN_FILENO);

	if (error == 0)
		error = posix_spawn_file_actions_adddup2(files, spawn->stdout_fd, STDOUT_FILENO);
	for (size_t i = 0; error == 0 && i < spawn->fd_count; i++)
		error = posix_spawn_file_actions_adddup2(files, spawn->fds[i], spawn->fds[i]);
	return error;
}

static int plan_signals(posix_spawnattr_t *attributes, bool apart)
{
	sigset_t none;
	sigset_t standard;
	int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;

	sigemptyset(&none);
	sigemptyset(&standard);
	sigaddset(&standard, SIGPIPE);
	sigaddset(&standard, SIGINT);
	sigaddset(&standard, SIGHUP);
	sigaddset(&standard, SIGQUIT);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &standard);
	posix_spawnattr_setpgroup(attributes, 0);
	return posix_spawnattr_setflags(attributes,
					(short)(apart ? flags | POSIX_SPAWN_SETPGROUP : flags));
}

/* glibc's posix_spawn is a vfork: no page table is copied, and exec's errno comes back. */
static int spawn_process(const struct spawn *spawn, const struct spawn_home *home, const char *path,
			 pid_t *pid)
{
	static const char *const no_environment[] = {NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int error;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	error = plan_files(&files, spawn);
	if (error == 0)
		error = plan_signals(&attributes, home->apart);
	if (error == 0)
		error = posix_spawn(pid, path, &files, &attributes, (char *const *)spawn->args,
				    (char *const *)no_environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return error;
}

enum fault_code spawn_start(const struct spawn *spawn, const struct spawn_home *home,
			    struct process *process, struct fault *fault)
{
	const char *name = spawn->args[0];
	char path[PATH_MAX];
	int error;

	if (spawn->overflowed)
		return fault_set(fault, FAULT_RUN_INIT, name, "too many options for %s", name);
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", home->path, name) >= sizeof(path))
		return fault_set_errno(fault, FAULT_RUN_INIT, ENAMETOOLONG, name, "%s", home->path);
	error = spawn_process(spawn, home, path, &process->pid);
	if (error == E2BIG)
		return fault_set(fault, FAULT_RUN_INIT, name,
				 "the command line is too long for one program (128 KiB for a word "
				 "or a list of arguments); put the long part into a file");
	if (error != 0)
		return fault_set_errno(fault, FAULT_RUN_INIT, error, name, "cannot start %s", path);
	process->fd = pidfd_open(process->pid, 0);
	if (process->fd < 0) {
		error = errno;
		kill(process->pid, SIGKILL);
		waitpid(process->pid, NULL, 0);
		return fault_set_errno(fault, FAULT_RUN_INIT, error, name, "pidfd_open");
	}
	process->name = name;
	return FAULT_NONE;
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
