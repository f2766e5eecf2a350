/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict profile allows the launcher's exec and no other. Every form a program could give a
 * second one: by path, by descriptor, by the descriptor number and the address the launcher used.
 * Without fork there is one life to lose, so each form executes this program again with the number
 * of the next one; "executed" is what a form that worked leads to.
 */
#include "tell.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LAUNCH_FD 4096

static char self[4096];
static char next[16];
static char *const arguments[] = {self, next, NULL};
static char *const environment[] = {NULL};

static long exec_at(int fd, const char *path)
{
	return syscall(SYS_execveat, fd, path, arguments, environment, AT_EMPTY_PATH);
}

/* The very last byte a program can have, and if there is room behind it, a path there. */
static char *last_page(void)
{
	static const uintptr_t ends[] = {UINT64_C(0xfffffffffff000), UINT64_C(0x7ffffffff000)};

	for (size_t i = 0; i < 2; i++) {
		char *page = mmap((void *)(ends[i] - 4096), 4096, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (page != MAP_FAILED)
			return page + 4095;
	}
	return NULL;
}

/* On 4-level tables nothing lies behind; on 5-level ones this byte is in the middle. */
static char *middle_page(void)
{
	char *page = mmap((void *)UINT64_C(0x7fffffffe000), 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	return page == MAP_FAILED ? NULL : page + 4095;
}

static int open_self(void)
{
	struct rlimit limit = {LAUNCH_FD + 1, LAUNCH_FD + 1};
	int fd = open(self, O_RDONLY | O_CLOEXEC);

	setrlimit(RLIMIT_NOFILE, &limit);
	return dup3(fd, LAUNCH_FD, O_CLOEXEC) < 0 ? fd : LAUNCH_FD;
}

static void form(int number)
{
	char *page;

	switch (number) {
	case 0:
		tell("by-path", execve(self, arguments, environment));
		break;
	case 1:
		tell("by-descriptor", exec_at(open_self(), ""));
		break;
	case 2:
		/* An absolute path: the kernel does not look at the descriptor. */
		(void)open_self();
		tell("absolute", exec_at(LAUNCH_FD, self));
		break;
	case 3:
		page = last_page();
		if (page)
			*page = '\0';
		(void)open_self();
		tell("last-page", exec_at(LAUNCH_FD, page ? page : ""));
		break;
	case 4:
		page = middle_page();
		if (page)
			memcpy(page, self, strlen(self) + 1);
		tell("middle-page", exec_at(LAUNCH_FD, page ? page : self));
		break;
	default:
		break;
	}
}

int main(int argc, char **argv)
{
	int number = 0;

	if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
		snprintf(self, sizeof self, "%s", argv[0]);
	if (argc > 1) {
		number = (int)strtol(argv[1], NULL, 10);
		printf("executed %d\n", number);
		fflush(stdout);
	}
	/* A form that is refused comes back here, and the next one is tried. */
	for (; number < 5; number++) {
		snprintf(next, sizeof next, "%d", number + 1);
		form(number);
	}
	return 0;
}
