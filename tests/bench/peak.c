/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peak LABEL COMMAND...: run COMMAND and say on stderr "LABEL <peak RSS in KiB> <milliseconds>".
 * The peak is wait4's ru_maxrss; this program is small, so what a child inherits of its peak across
 * fork (getrusage(2)) never hides the child's own.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	struct rusage usage;
	int status;
	double start = now_ms();
	pid_t child;

	if (argc < 3) {
		fputs("usage: peak LABEL COMMAND...\n", stderr);
		return 2;
	}
	child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) != child)
		return 3;
	fprintf(stderr, "%s %ld %.1f\n", argv[1], usage.ru_maxrss, now_ms() - start);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
