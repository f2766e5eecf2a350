/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/machine_place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool compose(char out[PATH_MAX], const char *head, const char *tail)
{
	if (head == NULL || head[0] != '/')
		return false;
	return snprintf(out, PATH_MAX, "%s%s", head, tail) < PATH_MAX;
}

bool machine_place_default(char out[PATH_MAX])
{
	if (geteuid() == 0)
		return compose(out, MACHINE_PLACE_ROOT, "");
	return compose(out, getenv("XDG_DATA_HOME"), "/safe-run/artifacts/default") ||
	       compose(out, getenv("HOME"), "/.local/share/safe-run/artifacts/default");
}

enum fault_code machine_place_open(const char *given, int *fd, struct fault *fault)
{
	char path[PATH_MAX];

	*fd = -1;
	if (given == NULL)
		given = getenv(MACHINE_PLACE_VARIABLE);
	if (given == NULL || given[0] == '\0') {
		if (machine_place_default(path))
			*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return FAULT_NONE;
	}
	*fd = open(given, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd >= 0)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_HOST_LACKS, errno, "run.artifacts",
			       "cannot open the machine's artifacts in %s: make them with safe-run "
			       "artifact build --kernel deb:linux-image-cloud-amd64 --rootfs DIR "
			       "--out %s",
			       given, given);
}

const char *machine_place_firecracker(const char *vmm)
{
	const char *dir = getenv(MACHINE_PLACE_FIRECRACKER);

	if (vmm == NULL || strcmp(vmm, "firecracker") != 0 || dir == NULL || dir[0] == '\0')
		return NULL;
	return dir;
}
