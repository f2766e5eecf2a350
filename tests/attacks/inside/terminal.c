/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SC6: put a keystroke into a terminal. Makes a pseudo-terminal of its own, takes it as controlling
 * terminal, and asks with the plain command and with high bits the kernel ignores.
 */
#define _XOPEN_SOURCE 700
#include "tell.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int controlling_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);

	if (master < 0 || grantpt(master) || unlockpt(master))
		return -1;
	setsid();
	int slave = open(ptsname(master), O_RDWR);
	if (slave >= 0)
		(void)!ioctl(slave, TIOCSCTTY, 0);
	return slave;
}

static int attack(void)
{
	static const struct {
		const char *name;
		unsigned long command;
		bool nowhere; /* on fd -1: it works for root, and on the whole machine */
	} commands[] = {
		{"TIOCSTI", 0x5412, false},
		{"TIOCSTI-high", 0x5412 | 1UL << 32, false},
		{"TIOCSTI-sign", 0x5412 | 0xffffffffUL << 32, false},
		{"TIOCLINUX", 0x541c, false},
		{"TIOCLINUX-high", 0x541c | 1UL << 63, false},
		{"TIOCSETD", 0x5423, false},
		{"TIOCSETD-high", 0x5423 | 1UL << 40, false},
		{"TIOCCONS", 0x541d, true},
		{"TIOCGWINSZ", 0x5413, false},
	};
	int terminal = controlling_terminal();
	char byte[64] = "x";

	tell("terminal", terminal);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		tell(commands[i].name, syscall(SYS_ioctl, commands[i].nowhere ? -1 : terminal,
					       commands[i].command, byte));
	return 0;
}

int main(void)
{
	/* In a child: setsid fails in a process group leader. */
	pid_t pid = fork();

	if (pid == 0)
		_exit(attack());
	waitpid(pid, NULL, 0);
	return 0;
}
