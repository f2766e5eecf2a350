/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate COUNT WORKERS COMMAND...: run COMMAND COUNT times, WORKERS at a time, with nothing on stdin,
 * and print how many ended in a second. The workers only start and wait: xargs would copy itself
 * for every run, a quarter of a millisecond each. A command that fails ends everything with
 * status 1.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool run_once(char **command)
{
	int status;
	pid_t child;

	return posix_spawnp(&child, command[0], NULL, NULL, command, environ) == 0 &&
	       waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

_Noreturn static void work(unsigned long count, char **command)
{
	while (count-- > 0)
		if (!run_once(command))
			_exit(1);
	_exit(0);
}

/* How many workers failed. */
static unsigned long work_all(unsigned long count, unsigned long workers, char **command)
{
	unsigned long failed = 0;
	int status;

	for (unsigned long i = 0; i < workers; i++) {
		pid_t worker = fork();

		if (worker == 0)
			work(count / workers + (i < count % workers ? 1 : 0), command);
		if (worker < 0)
			failed++;
	}
	while (wait(&status) > 0)
		if (status != 0)
			failed++;
	return failed;
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 3 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long workers = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
	int null_fd = open("/dev/null", O_RDONLY);
	double start;

	if (count == 0 || workers == 0 || null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0) {
		fputs("usage: rate COUNT WORKERS COMMAND...\n", stderr);
		return 2;
	}
	start = now_s();
	if (work_all(count, workers, argv + 3) > 0) {
		fputs("rate: a command failed\n", stderr);
		return 1;
	}
	printf("%.1f\n", (double)count / (now_s() - start));
	return 0;
}
