/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/tree/line.h"

#include "stages/seal/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return 'd';
	case S_IFREG:
		return 'f';
	case S_IFLNK:
		return 'l';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	case S_IFCHR:
		return 'c';
	default:
		return 'b';
	}
}

void line_add(struct digest *manifest, const char *path, const struct stat *info,
	      const uint64_t *size, const char *hash)
{
	char line[128], count[24] = "-";

	if (size != NULL)
		(void)snprintf(count, sizeof count, "%" PRIu64, *size);
	(void)snprintf(line, sizeof line, "%c %04o %s %s ", type_of(info->st_mode),
		       info->st_mode & 07777, count, hash);
	digest_update(manifest, line, strlen(line));
	if (path[0] == '\0')
		path = ".";
	digest_update(manifest, path, strlen(path) + 1);
}
