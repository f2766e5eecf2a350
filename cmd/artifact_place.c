/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/artifact_place.h"

#include "cmd/artifact_tool.h"
#include "stages/jail/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE FAULT_RUN_INIT
#define PATH "artifact.out"

/*
 * Made by mkdtemp(3) with mode 0700, but below a directory that may be somebody else's, who can exchange
 * it meanwhile: what is removed is found from open directories, and no link is followed.
 */
static int remove_tree(const char *path)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int parent_fd, result, error_number;

	(void)snprintf(parent, sizeof parent, "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
		       slash == NULL ? "." : path);
	parent_fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent_fd < 0)
		return -1;
	result = tree_remove(parent_fd, slash == NULL ? path : slash + 1);
	error_number = errno;
	(void)close(parent_fd);
	errno = error_number;
	return result;
}

static int lock(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* mkdir -p of what is above out; readable, for an ordinary user may start from root's. */
static void make_above(const char *out)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s", out) >= (int)sizeof path)
		return;
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		/* What cannot be made is told by who needs it. */
		(void)mkdir(path, 0755);
		*slash = '/';
	}
}

enum fault_code artifact_place_make(const char *out, const char *kind, struct artifact_place *place,
				    struct fault *fault)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s.%s-XXXXXX", out, kind) >= (int)sizeof path)
		return fault_set(fault, CODE, PATH, "%s is too long", out);
	make_above(out);
	if (mkdtemp(path) == NULL)
		return fault_set_errno(fault, CODE, errno, PATH,
				       "cannot make a directory beside %s", out);
	memcpy(place->path, path, sizeof place->path);
	place->lock_fd = lock(path);
	return place->lock_fd >= 0
		       ? FAULT_NONE
		       : fault_set_errno(fault, CODE, errno, PATH, "cannot lock %s", path);
}

void artifact_place_remove(struct artifact_place *place)
{
	if (place->path[0] != '\0' && remove_tree(place->path) < 0)
		artifact_tell("%s could not be removed: %s", place->path, strerror(errno));
	if (place->lock_fd >= 0)
		(void)close(place->lock_fd);
	place->lock_fd = -1;
	place->path[0] = '\0';
}

/* A directory of the caller's own, by that name: another user's is not ours to remove. */
static void sweep_one(const char *path, struct gc_report *report)
{
	int fd = lock(path);
	bool dry = report != NULL && report->dry_run;
	struct stat info;
	int error_number = 0;

	if (fd < 0)
		return;
	if (fstat(fd, &info) == 0 && info.st_uid == geteuid()) {
		if (!dry && remove_tree(path) < 0)
			error_number = errno;
		if (report != NULL)
			gc_report_done(report, "artifacts", path, error_number);
	}
	(void)close(fd);
}

static bool escape(const char *out, char *pattern, size_t size)
{
	size_t used = 0;

	for (; *out != '\0' && used + 2 < size; out++) {
		if (strchr("*?[\\", *out) != NULL)
			pattern[used++] = '\\';
		pattern[used++] = *out;
	}
	pattern[used] = '\0';
	return *out == '\0';
}

void artifact_place_sweep(const char *out, struct gc_report *report)
{
	static const char *const kinds[] = {"new", "work"};
	char escaped[PATH_MAX], pattern[PATH_MAX + 16];

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		glob_t found = {0};

		if (!escape(out, escaped, sizeof escaped))
			return;
		(void)snprintf(pattern, sizeof pattern, "%s.%s-??????", escaped, kinds[i]);
		if (glob(pattern, 0, NULL, &found) == 0)
			for (size_t k = 0; k < found.gl_pathc; k++)
				sweep_one(found.gl_pathv[k], report);
		globfree(&found);
	}
}
