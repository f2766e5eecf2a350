/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collect BIN TREE OUTPUTS MANIFEST MAX_FILES: what sr-launch does with BIN/sr-collect and
 * BIN/sr-deposit, for all of TREE. Prints "<milliseconds> <peak RSS of sr-collect in KiB> <of
 * sr-deposit>"; fails when either does.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* fds become 10, 11 and so on, in their order; the record goes to /dev/null. */
static pid_t start(const char *bin, char *const argv[], int in, const int *fds, size_t count)
{
	char path[PATH_MAX];
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	snprintf(path, sizeof path, "%s/%s", bin, argv[0]);
	for (size_t i = 0; i < count; i++)
		if (dup2(fds[i], 10 + (int)i) < 0)
			_exit(126);
	dup2(in, 0);
	dup2(open("/dev/null", O_WRONLY), 1);
	execv(path, argv);
	_exit(127);
}

static long await(pid_t pid)
{
	struct rusage usage;
	int status = 1;

	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status != 0) {
		fprintf(stderr, "collect: a stage ended with %#x\n", status);
		exit(1);
	}
	return usage.ru_maxrss;
}

int main(int argc, char **argv)
{
	char *reader[] = {"sr-collect", "--tree-fd", "10", "--store-fd", "11", NULL};
	char *writer[] = {"sr-deposit", "--entries-fd",	 "10", "--outputs-fd",
			  "11",		"--manifest-fd", "12", NULL};
	int pair[2], order[2], none = open("/dev/null", O_RDONLY | O_CLOEXEC);
	long reader_kib, writer_kib;
	double begun;
	pid_t first, second;

	if (argc != 6)
		return 2;
	const int reads[] = {open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC), -1};
	const int writes[] = {-1, open(argv[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			      open(argv[4], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};

	if (reads[0] < 0 || writes[1] < 0 || writes[2] < 0 || pipe2(order, O_CLOEXEC) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return 3;
	begun = now_ms();
	first = start(argv[1], reader, order[0], (const int[]){reads[0], pair[0]}, 2);
	second = start(argv[1], writer, none, (const int[]){pair[1], writes[1], writes[2]}, 3);
	close(pair[0]);
	close(pair[1]);
	dprintf(order[1],
		"{\"outputs\":[{\"maxBytes\":9007199254740991,\"maxFiles\":%s,\"path\":\".\"}],"
		"\"schemaVersion\":\"safe-run.collect/v1\"}\n",
		argv[5]);
	close(order[1]);
	reader_kib = await(first);
	writer_kib = await(second);
	printf("%.0f %ld %ld\n", now_ms() - begun, reader_kib, writer_kib);
	return 0;
}
