/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const struct {
	int number;
	bool asks_end;
} handled[] = {
	{SIGINT, true},	  {SIGTERM, true},  {SIGHUP, true},    {SIGQUIT, true},
	{SIGUSR1, false}, {SIGUSR2, false}, {SIGWINCH, false},
};

#define HANDLED_COUNT (sizeof(handled) / sizeof(handled[0]))

static bool is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

enum fault_code signals_open(struct signals *signals, struct fault *fault)
{
	sigset_t mask;

	sigemptyset(&mask);
	/* Blocked, an ignored signal would be queued all the same (signal(7)). */
	for (size_t i = 0; i < HANDLED_COUNT; i++)
		if (!is_ignored(handled[i].number))
			sigaddset(&mask, handled[i].number);
	signals->ends = 0;
	signals->apart = is_ignored(SIGINT) || is_ignored(SIGHUP);
	signals->fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals->fd < 0 || sigprocmask(SIG_BLOCK, &mask, NULL) != 0)
		return fault_set_errno(fault, FAULT_RUN_INIT, errno, "safe-run", "signalfd");
	return FAULT_NONE;
}

void signals_close(struct signals *signals)
{
	if (signals->fd >= 0)
		close(signals->fd);
	signals->fd = -1;
}

static bool asks_end(int number)
{
	for (size_t i = 0; i < HANDLED_COUNT; i++)
		if (handled[i].number == number)
			return handled[i].asks_end;
	return false;
}

bool signals_next(struct signals *signals, struct signals_event *event)
{
	struct signalfd_siginfo info;

	if (read(signals->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return false;
	event->number = (int)info.ssi_signo;
	event->from_terminal = info.ssi_code == SI_KERNEL;
	event->asks_end = asks_end(event->number);
	if (event->asks_end)
		signals->ends++;
	return true;
}
