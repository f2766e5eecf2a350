/* SPDX-License-Identifier: Apache-2.0 */
/* SC2: the same kernel through another door. Each must kill; a line printed says it did not. */
#include "tell.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* i386 numbers: getpid 20, socketcall 102. The call returns in eax. */
static long int80(long number, long first, long second)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(first), "c"(second)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

int main(int argc, char **argv)
{
	const char *door = argc > 1 ? argv[1] : "";

	if (!strcmp(door, "int80")) {
		tell_number("int80", int80(20, 0, 0));
	} else if (!strcmp(door, "socketcall")) {
		/* SYS_SOCKET 1, arguments null: -EFAULT when the kernel took the call. */
		tell_number("socketcall", int80(102, 1, 0));
	} else if (!strcmp(door, "x32")) {
		tell("x32", syscall(0x40000000L | SYS_getpid));
	} else {
		fprintf(stderr, "usage: foreign int80|socketcall|x32\n");
		return 2;
	}
	return 0;
}
