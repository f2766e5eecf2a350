/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In QEMU's place: fails when it is to use KVM, as on a host whose KVM is broken, and else is QEMU,
 * which the test has put where the package has its i386 program.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REAL "/usr/bin/qemu-system-i386"

int main(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "-accel") == 0 && strcmp(argv[i + 1], "kvm") == 0) {
			fputs("qemu stand-in: KVM fails here\n", stderr);
			return 1;
		}
	execv(REAL, argv);
	perror(REAL);
	return 3;
}
