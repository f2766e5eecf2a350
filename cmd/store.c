/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool compose(char out[PATH_MAX], const char *head, const char *tail)
{
	if (head == NULL || head[0] != '/')
		return false;
	return snprintf(out, PATH_MAX, "%s%s", head, tail) < PATH_MAX;
}

static bool choose(char out[PATH_MAX])
{
	const char *given = getenv(STORE_VARIABLE);

	if (given != NULL && given[0] != '\0')
		return compose(out, given, "");
	if (geteuid() == 0)
		return compose(out, STORE_ROOT, "");
	return compose(out, getenv("XDG_STATE_HOME"), "/safe-run/store") ||
	       compose(out, getenv("HOME"), "/.local/state/safe-run/store");
}

/* mkdir -p, all of it for the caller alone; what exists is left as it is. */
static void make(char path[PATH_MAX])
{
	for (char *slash = path + 1; slash != NULL;) {
		slash = strchr(slash, '/');
		if (slash != NULL)
			*slash = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return;
		if (slash != NULL)
			*slash++ = '/';
	}
}

int store_look(void)
{
	char path[PATH_MAX];

	return choose(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

int store_open(void)
{
	char path[PATH_MAX];
	int fd;

	if (!choose(path))
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	make(path);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}
