/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In sr-machine's place beside a test's own sr-launch: the real one, sr-machine.real, whose answer about
 * KVM is exchanged. KVM is the one thing a stand-in for Firecracker cannot stand in for, and no program
 * that is installed can be told to believe in it: a stage is what lies beside sr-launch.
 */
#include "tests/firecracker/standin.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

STANDIN_FIELDS

#define ARGS_MAX 32
#define OUT_MAX	 65536

/* Without /dev/kvm, and with its own parent. */
_Noreturn static void become_real(int argc, char **argv, int out_fd)
{
	char path[PATH_MAX], parent[16];
	const char *words[ARGS_MAX + 1];
	ssize_t len = readlink("/proc/self/exe", path, sizeof path - 8);
	int count = 0;

	if (len <= 0 || argc >= ARGS_MAX)
		_exit(90);
	memcpy(path + len, ".real", sizeof ".real");
	snprintf(parent, sizeof parent, "%d", getppid());
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--kvm-fd") == 0) {
			i++;
			continue;
		}
		words[count++] = argv[i];
		if (strcmp(argv[i], "--parent-pid") == 0) {
			words[count++] = parent;
			i++;
		}
	}
	words[count] = NULL;
	if (dup2(out_fd, STDOUT_FILENO) < 0)
		_exit(91);
	(void)execv(path, (char *const *)words);
	_exit(92);
}

int main(int argc, char **argv)
{
	static char text[OUT_MAX];
	static const char null[] = "\"kvm\":null";
	int broken = strcmp((const char *)standin_mode + strlen(STANDIN_MODE_MARK), "no-kvm") == 0;
	const char *kvm = broken ? "\"kvm\":{\"reason\":\"a test says so\",\"usable\":false}"
				 : "\"kvm\":{\"reason\":\"\",\"usable\":true}";
	size_t len = 0;
	int ends[2], status;
	ssize_t got;
	char *at;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0 || (pid = fork()) < 0)
		return 93;
	if (pid == 0)
		become_real(argc, argv, ends[1]);
	close(ends[1]);
	while (len < sizeof text - 1 &&
	       (got = read(ends[0], text + len, sizeof text - 1 - len)) > 0)
		len += (size_t)got;
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 94;
	at = strstr(text, null);
	if (at == NULL)
		return fputs(text, stdout) < 0 ? 95 : WEXITSTATUS(status);
	printf("%.*s%s%s", (int)(at - text), text, kvm, at + sizeof null - 1);
	return fflush(stdout) != 0 ? 96 : WEXITSTATUS(status);
}
