/* SPDX-License-Identifier: Apache-2.0 */
/* RG5, FD8: end in each way a run can, so that the report must tell them apart. */
#include "tell.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHUNK ((size_t)1 << 20)

static int eat_memory(void)
{
	for (;;) {
		char *chunk = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		if (chunk == MAP_FAILED)
			return 1;
		memset(chunk, 1, CHUNK);
	}
}

static int eat_cpu(void)
{
	volatile unsigned long count = 1;

	while (count)
		count |= 2;
	return 1;
}

static int eat_pids(void)
{
	for (int made = 0;; made++) {
		pid_t pid = fork();

		if (pid == 0) {
			pause();
			_exit(0);
		}
		if (pid < 0) {
			tell_number("children", made);
			return 1;
		}
	}
}

static int eat_output(void)
{
	static char block[65536];

	memset(block, 'x', sizeof block);
	for (;;) {
		if (write(STDOUT_FILENO, block, sizeof block) < 0)
			return 1;
	}
}

/* With everything set so that a core would be written. */
static int crash(void)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

	tell("setrlimit", setrlimit(RLIMIT_CORE, &all));
	prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L);
	raise(SIGSEGV);
	return 1;
}

static int sleep_on(void)
{
	while (pause() < 0)
		;
	return 1;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *how;
		int (*end)(void);
	} ends[] = {
		{"memory", eat_memory}, {"cpu", eat_cpu}, {"pids", eat_pids},
		{"output", eat_output}, {"crash", crash}, {"sleep", sleep_on},
	};

	if (argc == 3 && !strcmp(argv[1], "signal"))
		return raise(atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "exit"))
		return atoi(argv[2]);
	for (size_t i = 0; argc == 2 && i < sizeof ends / sizeof *ends; i++) {
		if (!strcmp(argv[1], ends[i].how))
			return ends[i].end();
	}
	fprintf(stderr, "usage: end HOW\n");
	return 2;
}
