/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FD3, FD7: reach into other processes: every one /proc shows, and the pids given. Our pid 1 runs a
 * copy of the launcher; its executable, memory and descriptors are the prize (CVE-2019-5736).
 */
#include "tell.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void try_open(pid_t pid, const char *what, int flags, const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what);
	int fd = open(path, flags | O_CLOEXEC);
	tell(name, fd);
	if (fd >= 0)
		close(fd);
}

static void try_memory(pid_t pid)
{
	char byte = 0;
	struct iovec mine = {&byte, 1}, theirs = {&byte, 1};

	tell("process_vm_readv", process_vm_readv(pid, &mine, 1, &theirs, 1, 0));
	tell("process_vm_writev", process_vm_writev(pid, &mine, 1, &theirs, 1, 0));
}

static void try_descriptors(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	tell("pidfd_getfd", syscall(SYS_pidfd_getfd, pidfd, 0, 0));
	if (pidfd >= 0)
		close(pidfd);
}

static void try_trace(pid_t pid)
{
	long seized = ptrace(PTRACE_SEIZE, pid, NULL, NULL);

	tell("ptrace", seized);
	if (seized >= 0) {
		ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
		waitpid(pid, NULL, __WALL);
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	}
}

static void pry(pid_t pid)
{
	tell_number("pid", pid);
	try_open(pid, "exe", O_RDONLY, "exe");
	try_open(pid, "mem", O_RDWR, "mem");
	try_open(pid, "maps", O_RDONLY, "maps");
	try_open(pid, "environ", O_RDONLY, "environ");
	try_open(pid, "fd", O_RDONLY | O_DIRECTORY, "fd");
	try_open(pid, "root", O_RDONLY | O_DIRECTORY, "root");
	try_open(pid, "cwd", O_RDONLY | O_DIRECTORY, "cwd");
	/* Written to, this is our program the next time it runs; a busy text says ETXTBSY. */
	try_open(pid, "exe", O_WRONLY, "exe-write");
	try_memory(pid);
	try_descriptors(pid);
	try_trace(pid);
}

static void pry_all(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;

		if (pid && pid != getpid())
			pry(pid);
	}
	if (proc)
		closedir(proc);
}

int main(int argc, char **argv)
{
	if (argc == 1)
		pry_all();
	for (int i = 1; i < argc; i++)
		pry(atoi(argv[i]));
	return 0;
}
