/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns COUNT COMMAND... [+ COMMAND...]...: run the commands in turns, COUNT times each, with nothing
 * on stdin, and print one JSON array, for each command the medians, in milliseconds, of the time it
 * took and of the processor's time of it and all it waited for. In turns, because what else the
 * machine does meanwhile then does not fall on one of them. A command that fails ends everything
 * with status 1.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 4

struct command {
	char **words;
	double *wall_ms, *processor_ms; /* one for each turn */
};

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double in_ms(struct timeval time)
{
	return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3;
}

static bool take_turn(const struct command *command, unsigned long turn)
{
	double start = now_ms();
	struct rusage used;
	int status;
	pid_t child;

	if (posix_spawnp(&child, command->words[0], NULL, NULL, command->words, environ) != 0 ||
	    wait4(child, &status, 0, &used) != child || status != 0)
		return false;
	command->wall_ms[turn] = now_ms() - start;
	command->processor_ms[turn] = in_ms(used.ru_utime) + in_ms(used.ru_stime);
	return true;
}

static int by_size(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double median(double *values, unsigned long count)
{
	qsort(values, count, sizeof(*values), by_size);
	return values[count / 2];
}

/* How many there are; 0 when there are too many, or one without a word. */
static size_t read_commands(int argc, char **argv, unsigned long count, struct command *commands)
{
	size_t found = 0;
	int start = 2;

	for (int i = 2; i <= argc; i++) {
		if (i < argc && strcmp(argv[i], "+") != 0)
			continue;
		if (i == start || found == COMMANDS_MAX)
			return 0;
		argv[i] = NULL;
		commands[found++] = (struct command){argv + start, calloc(count, sizeof(double)),
						     calloc(count, sizeof(double))};
		start = i + 1;
	}
	return found;
}

int main(int argc, char **argv)
{
	struct command commands[COMMANDS_MAX];
	unsigned long count = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	size_t found = count > 0 ? read_commands(argc, argv, count, commands) : 0;
	int null_fd = open("/dev/null", O_RDONLY);

	if (found == 0 || null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0) {
		fputs("usage: turns COUNT COMMAND... [+ COMMAND...]...\n", stderr);
		return 2;
	}
	for (unsigned long turn = 0; turn < count; turn++)
		for (size_t i = 0; i < found; i++)
			if (!take_turn(&commands[i], turn)) {
				fprintf(stderr, "turns: %s failed\n", commands[i].words[0]);
				return 1;
			}
	for (size_t i = 0; i < found; i++)
		printf("%s{\"processor_ms\":%.3f,\"wall_ms\":%.3f}%s", i == 0 ? "[" : ",",
		       median(commands[i].processor_ms, count), median(commands[i].wall_ms, count),
		       i == found - 1 ? "]\n" : "");
	return 0;
}
