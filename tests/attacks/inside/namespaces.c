/* SPDX-License-Identifier: Apache-2.0 */
/* SC4: a new namespace by unshare, clone, clone3 and setns, one kind at a time. */
#include "tell.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	const char *name;
	uint64_t flag;
} kinds[] = {
	{"user", CLONE_NEWUSER},     {"mnt", CLONE_NEWNS},  {"pid", CLONE_NEWPID},
	{"net", CLONE_NEWNET},	     {"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS},
	{"cgroup", CLONE_NEWCGROUP},
};

static void reap(const char *name, long pid)
{
	tell(name, pid);
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
}

/* In a child, so that a success changes nothing for the next attempt. */
static void try_unshare(const char *name, uint64_t flags)
{
	pid_t pid = fork();

	if (pid == 0) {
		tell(name, unshare((int)flags));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void try_clone(const char *name, uint64_t flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	reap(name, pid);
}

static void try_clone3(const char *name, uint64_t flags)
{
	struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
	long pid = syscall(SYS_clone3, &args, sizeof args);

	if (pid == 0)
		_exit(0);
	reap(name, pid);
}

static void try_setns(const char *name, const char *kind, int type)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	tell(name, setns(fd, type));
	if (fd >= 0)
		close(fd);
}

int main(void)
{
	char name[64];

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		/* Together with a user namespace: what an ordinary user would ask for. */
		uint64_t flags = kinds[i].flag | CLONE_NEWUSER;

		snprintf(name, sizeof name, "unshare %s", kinds[i].name);
		try_unshare(name, flags);
		snprintf(name, sizeof name, "clone %s", kinds[i].name);
		try_clone(name, flags);
		snprintf(name, sizeof name, "clone3 %s", kinds[i].name);
		try_clone3(name, flags);
		snprintf(name, sizeof name, "setns %s", kinds[i].name);
		try_setns(name, kinds[i].name, (int)kinds[i].flag);
	}
	try_clone3("clone3 plain", 0);
	try_unshare("unshare time", CLONE_NEWTIME | CLONE_NEWUSER);
	return 0;
}
