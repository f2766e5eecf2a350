/* SPDX-License-Identifier: Apache-2.0 */
/* RG3: `enter CGROUP COMMAND...`: move into a cgroup, then execute. */
#include "tell.h"

#include <fcntl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char path[4400];

	if (argc < 3)
		return 2;
	snprintf(path, sizeof path, "%s/cgroup.procs", argv[1]);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1) {
		tell(path, -1);
		return 2;
	}
	execv(argv[2], argv + 2);
	tell(argv[2], -1);
	return 127;
}
