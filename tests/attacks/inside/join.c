/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NW1 to NW8: `join PID COMMAND...`: into the network and mount namespaces of the host of the tests'
 * making, as an ordinary user into its user namespace first, then execute.
 */
#include "tell.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

static int join(const char *pid, const char *name, int kind)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/%s/ns/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -1 : setns(fd, kind);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (geteuid() != 0 && join(argv[1], "user", CLONE_NEWUSER) < 0) {
		tell(argv[1], -1);
		return 2;
	}
	if (join(argv[1], "net", CLONE_NEWNET) < 0 || join(argv[1], "mnt", CLONE_NEWNS) < 0) {
		tell(argv[1], -1);
		return 2;
	}
	execv(argv[2], argv + 2);
	tell(argv[2], -1);
	return 127;
}
