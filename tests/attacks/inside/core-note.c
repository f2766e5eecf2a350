/* SPDX-License-Identifier: Apache-2.0 */
/* FD8: the guest's core_pattern handler, as Debian's systemd-coredump is on real hosts: notes that
 * it was started at all. The kernel starts it as root, in the initial namespaces. */
#include "tell.h"

#include <fcntl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char path[64];

	snprintf(path, sizeof path, "/run/cores/core.%.20s", argc > 1 ? argv[1] : "x");
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd < 0;
}
