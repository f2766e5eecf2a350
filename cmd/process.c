/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/process.h"

#include "cmd/verb.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum fault_code process_adopt(struct process *process, pid_t pid, const char *name,
			      struct fault *fault)
{
	int fd = pidfd_open(pid, 0);
	int error = errno;

	if (fd < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return fault_set_errno(fault, FAULT_RUN_INIT, error, name, "pidfd_open");
	}
	*process = (struct process){.name = name, .pid = pid, .fd = fd};
	return FAULT_NONE;
}

bool process_runs(const struct process *process)
{
	return process->name != NULL;
}

struct process_end process_reap(struct process *process)
{
	struct process_end end = {.signalled = false, .number = VERB_FAILED};
	siginfo_t info = {0};
	int answer;

	do
		answer = waitid(P_PIDFD, (id_t)process->fd, &info, WEXITED);
	while (answer != 0 && errno == EINTR);
	if (answer == 0) {
		end.signalled = info.si_code != CLD_EXITED;
		end.number = info.si_status;
	}
	close(process->fd);
	*process = (struct process)PROCESS_NONE;
	return end;
}

void process_kill(const struct process *process)
{
	/* ESRCH, it has ended already, is the only way this fails. */
	if (process_runs(process))
		(void)pidfd_send_signal(process->fd, SIGKILL, NULL, 0);
}

void process_describe(const char *name, const struct process_end *end, char *out, size_t size)
{
	const char *signal_name = end->signalled ? sigabbrev_np(end->number) : NULL;

	if (end->signalled && end->number == SIGSYS)
		snprintf(out, size, "%s was stopped by its own system call filter", name);
	else if (signal_name != NULL)
		snprintf(out, size, "%s was killed by SIG%s", name, signal_name);
	else if (end->signalled)
		snprintf(out, size, "%s was killed by signal %d", name, end->number);
	else
		snprintf(out, size, "%s ended with status %d", name, end->number);
}

int process_status(const char *name, const struct process_end *end)
{
	char said[128];

	if (!end->signalled)
		return end->number;
	process_describe(name, end, said, sizeof(said));
	fprintf(stderr, "safe-run: %s\n", said);
	return VERB_FAILED;
}
