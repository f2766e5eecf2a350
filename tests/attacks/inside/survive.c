/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RG4: outlive the run. `survive HOW TOKEN`: TOKEN is an argument of every process made, so that
 * the test finds what is left anywhere on the host. Says "ready", and then only the run's end ends
 * it.
 */
#include "tell.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static _Noreturn void stay(void)
{
	for (;;)
		pause();
}

/* Until nothing more can be made. */
static void fork_bomb(void)
{
	for (int refused = 0; refused < 1000;) {
		pid_t pid = fork();

		if (pid < 0)
			refused++;
	}
}

/* Reparented to pid 1, in a session, a process group and a foreground of its own. */
static void double_fork(void)
{
	if (fork() == 0) {
		setsid();
		if (fork() != 0)
			_exit(0);
		setsid();
		/* Or whoever reads our output would wait for this one. */
		close_range(0, 2, 0);
		stay();
	}
}

static void ignore_signals(void)
{
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

/* Children that stop each other as fast as they are made, and everything they may signal. */
static void stop_storm(void)
{
	for (int i = 0; i < 16; i++) {
		if (fork() == 0) {
			for (int round = 0; round < 1000; round++)
				kill(-1, SIGSTOP);
			stay();
		}
	}
}

/* A parent in vfork does not even take SIGKILL before its child lets go, says the folklore. */
static void vfork_hang(void)
{
	for (int i = 0; i < 8; i++) {
		if (fork() == 0) {
			if (vfork() == 0)
				stay();
			_exit(0);
		}
	}
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[1] : "";

	printf("ready\n");
	fflush(stdout);
	if (!strcmp(how, "fork-bomb")) {
		fork_bomb();
	} else if (!strcmp(how, "double-fork")) {
		double_fork();
	} else if (!strcmp(how, "ignore")) {
		ignore_signals();
		double_fork();
	} else if (!strcmp(how, "stop-storm")) {
		stop_storm();
	} else if (!strcmp(how, "vfork")) {
		vfork_hang();
	} else if (strcmp(how, "leave") != 0) {
		fprintf(stderr, "usage: survive HOW TOKEN\n");
		return 2;
	} else {
		/* The parent ends at once: does what it leaves behind end with it? */
		double_fork();
		return 0;
	}
	stay();
}
