/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/artifact_tool.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CODE FAULT_RUN_INIT
#define PATH "artifact.tool"

/* Not the caller's PATH: what is run here may run as root. */
static const char *const places[] = {"/usr/bin", "/usr/sbin", "/bin", "/sbin"};

static char *const environment[] = {(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
				    (char *)"LC_ALL=C", (char *)"DEBIAN_FRONTEND=noninteractive",
				    (char *)"SOURCE_DATE_EPOCH=0", NULL};

void artifact_tell(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("safe-run: ", stderr);
	(void)vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

static bool find(const char *name, char *out, size_t size)
{
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		(void)snprintf(out, size, "%s/%s", places[i], name);
		if (access(out, X_OK) == 0)
			return true;
	}
	return false;
}

static int start(const char *path, const char *const *argv, const char *directory, int stdout_fd,
		 pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int result = posix_spawn_file_actions_init(&actions);

	if (result != 0)
		return result;
	result = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (result == 0)
		result = posix_spawn_file_actions_adddup2(&actions, stdout_fd, STDOUT_FILENO);
	if (result == 0 && directory != NULL)
		result = posix_spawn_file_actions_addchdir_np(&actions, directory);
	if (result == 0)
		result = posix_spawn(pid, path, &actions, NULL, (char *const *)(uintptr_t)argv,
				     environment);
	(void)posix_spawn_file_actions_destroy(&actions);
	return result;
}

static enum fault_code await(const char *name, pid_t pid, struct fault *fault)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fault_set_errno(fault, CODE, errno, PATH, "%s", name);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return FAULT_NONE;
	if (WIFSIGNALED(status))
		return fault_set(fault, CODE, PATH, "%s was ended by signal %d", name,
				 WTERMSIG(status));
	return fault_set(fault, CODE, PATH, "%s failed with status %d, see above", name,
			 WEXITSTATUS(status));
}

static enum fault_code begin(const char *const *argv, const char *directory, const char *package,
			     int stdout_fd, pid_t *pid, struct fault *fault)
{
	char path[256];
	int result;

	if (!find(argv[0], path, sizeof path))
		return fault_set(fault, FAULT_HOST_LACKS, PATH,
				 "%s is not there: apt-get install %s", argv[0], package);
	result = start(path, argv, directory, stdout_fd, pid);
	return result == 0 ? FAULT_NONE
			   : fault_set_errno(fault, CODE, result, PATH, "cannot start %s", path);
}

enum fault_code artifact_tool(const char *const *argv, const char *directory, const char *package,
			      struct fault *fault)
{
	pid_t pid;
	enum fault_code code = begin(argv, directory, package, STDERR_FILENO, &pid, fault);

	return code == FAULT_NONE ? await(argv[0], pid, fault) : code;
}

static bool read_all(int fd, char *out, size_t size)
{
	size_t len = 0;
	ssize_t got = 1;

	while (got > 0 && len < size - 1) {
		got = read(fd, out + len, size - 1 - len);
		len += got > 0 ? (size_t)got : 0;
	}
	out[len] = '\0';
	return got == 0;
}

enum fault_code artifact_tool_read(const char *const *argv, const char *package, char *out,
				   size_t size, struct fault *fault)
{
	int ends[2];
	pid_t pid = -1;
	bool whole = false;
	enum fault_code code;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "pipe");
	code = begin(argv, NULL, package, ends[1], &pid, fault);
	(void)close(ends[1]);
	if (code == FAULT_NONE)
		whole = read_all(ends[0], out, size);
	(void)close(ends[0]);
	if (code == FAULT_NONE)
		code = await(argv[0], pid, fault);
	if (code == FAULT_NONE && !whole)
		code = fault_set(fault, CODE, PATH, "%s said more than was expected", argv[0]);
	return code;
}
