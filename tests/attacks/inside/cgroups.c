/* SPDX-License-Identifier: Apache-2.0 */
/* RG1: find a cgroup file to write, or mount one (CVE-2022-0492). */
#include "tell.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void try_mount(const char *name, const char *type, const char *options)
{
	static const char place[] = "/tmp/cgroup";

	mkdir(place, 0700);
	int done = mount("none", place, type, 0, options);
	tell(name, done);
	if (!done)
		umount(place);
	rmdir(place);
}

/* PATH:line of a cgroup this process is in, relative to a root nothing here should reach. */
static void try_known_places(void)
{
	static const char *const places[] = {
		"/sys/fs/cgroup",
		"/sys/fs/cgroup/cgroup.procs",
		"/sys/fs/cgroup/unified/cgroup.procs",
		"/sys/fs/cgroup/memory/release_agent",
		"/sys/fs/cgroup/memory/memory.limit_in_bytes",
		"/proc/1/root/sys/fs/cgroup",
	};

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		struct stat st;

		tell(places[i], stat(places[i], &st));
	}
}

int main(void)
{
	try_known_places();
	/* In namespaces of its own, as the exploit did it. */
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP) == 0)
		tell("unshare", 0);
	else
		tell("unshare", -1);
	try_mount("mount-v1", "cgroup", "memory");
	try_mount("mount-v2", "cgroup2", NULL);
	return 0;
}
