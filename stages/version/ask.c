/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/version/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CODE	FAULT_RUN_LAUNCH
#define PATH	"version"
#define STEP_MS 1

_Noreturn static void become(int program_fd, int out_fd)
{
	static const char *const argv[] = {"program", "--version", NULL};
	static char *const no_environment[] = {NULL};

	/* stdin is the stage's, /dev/null; the program and the pipe close at exec. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
	    dup2(out_fd, STDOUT_FILENO) == STDOUT_FILENO)
		(void)execveat(program_fd, "", (char *const *)argv, no_environment, AT_EMPTY_PATH);
	_exit(126);
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* To its end, or as much as there is room for; false when time is up. */
static bool read_all(int fd, int64_t end_ms, char *out, size_t size, size_t *len)
{
	struct pollfd item = {.fd = fd, .events = POLLIN};

	for (*len = 0; *len < size;) {
		int64_t left_ms = end_ms - now_ms();
		ssize_t got;

		if (left_ms <= 0 || poll(&item, 1, (int)left_ms) == 0)
			return false;
		got = read(fd, out + *len, size - *len);
		if (got == 0)
			return true;
		if (got > 0)
			*len += (size_t)got;
		else if (errno != EINTR)
			return false;
	}
	return true;
}

/*
 * What it has to say it has said, and it has nobody to go on to: looked for from time to time, for a
 * descriptor of it would be one more call that it has too. false: it was killed, time is up.
 */
static bool await_end(pid_t pid, int64_t end_ms, int *status)
{
	pid_t ended;

	while ((ended = wait4(pid, status, WNOHANG, NULL)) == 0 && now_ms() < end_ms)
		(void)poll(NULL, 0, STEP_MS);
	if (ended == pid)
		return true;
	(void)kill(pid, SIGKILL);
	while (wait4(pid, status, 0, NULL) < 0 && errno == EINTR)
		;
	return false;
}

static enum fault_code judge(bool in_time, int status, struct fault *fault)
{
	if (!in_time)
		return fault_set(fault, CODE, PATH,
				 "it does not say its version and end within %d s", ASK_MS / 1000);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return FAULT_NONE;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 126)
		return fault_set(fault, CODE, PATH, "it cannot be executed");
	if (WIFEXITED(status))
		return fault_set(fault, CODE, PATH, "asked for its version it ends with status %d",
				 WEXITSTATUS(status));
	return fault_set(fault, CODE, PATH, "asked for its version it is killed by SIG%s",
			 sigabbrev_np(WTERMSIG(status)) ?: "?");
}

enum fault_code ask_version(int program_fd, char *out, size_t size, size_t *len,
			    struct fault *fault)
{
	int64_t end_ms = now_ms() + ASK_MS;
	int ends[2], status = 0;
	bool in_time;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot make a pipe");
	pid = fork();
	if (pid == 0)
		become(program_fd, ends[1]);
	(void)close(ends[1]);
	if (pid < 0) {
		(void)close(ends[0]);
		return fault_set_errno(fault, CODE, errno, PATH, "cannot start a process");
	}
	in_time = read_all(ends[0], end_ms, out, size, len);
	(void)close(ends[0]);
	return judge(await_end(pid, in_time ? end_ms : 0, &status) && in_time, status, fault);
}
