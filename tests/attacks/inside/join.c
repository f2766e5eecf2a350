/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NW1 to NW8: `join PID COMMAND...`: into the namespaces of the host of the tests' making, then
 * execute. A user namespace first: an ordinary user's host lies in one.
 */
#include "tell.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

static int join(const char *pid, const char *name, int kind)
{
	char theirs[64], ours[64];
	struct stat that, this;
	int fd;

	snprintf(theirs, sizeof theirs, "/proc/%s/ns/%s", pid, name);
	snprintf(ours, sizeof ours, "/proc/self/ns/%s", name);
	fd = open(theirs, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &that) < 0 || stat(ours, &this) < 0)
		return -1;
	return that.st_ino == this.st_ino ? 0 : setns(fd, kind);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (join(argv[1], "user", CLONE_NEWUSER) < 0 || join(argv[1], "net", CLONE_NEWNET) < 0 ||
	    join(argv[1], "mnt", CLONE_NEWNS) < 0) {
		tell(argv[1], -1);
		return 2;
	}
	execv(argv[2], argv + 2);
	tell(argv[2], -1);
	return 127;
}
