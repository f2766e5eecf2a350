/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rundir_remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TREE_DEPTH_MAX 512 /* an output has a path of its own, and 64 levels below it */
#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

time_t rundir_started(const char *run_id)
{
	static const char form[] = "sr-dddddddd-dddddd-xxxxxxxx";
	struct tm when = {0};

	if (strlen(run_id) != sizeof(form) - 1)
		return -1;
	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		const char *allowed = form[i] == 'd'   ? "0123456789"
				      : form[i] == 'x' ? "0123456789abcdef"
						       : (const char[]){form[i], '\0'};
		if (strchr(allowed, run_id[i]) == NULL)
			return -1;
	}
	if (strptime(run_id + strlen("sr-"), "%Y%m%d-%H%M%S", &when) == NULL)
		return -1;
	return timegm(&when);
}

enum rundir_kind rundir_look(int base_fd, const char *name)
{
	struct stat status;
	enum rundir_kind kind = RUNDIR_DEAD;
	int dir_fd = openat(base_fd, name, OPEN_DIRECTORY);
	int artifacts_fd;

	if (dir_fd < 0)
		return RUNDIR_STRANGE;
	artifacts_fd = openat(dir_fd, "artifacts", OPEN_DIRECTORY);
	if (fstat(dir_fd, &status) != 0 || status.st_uid != geteuid())
		kind = RUNDIR_STRANGE;
	else if (artifacts_fd < 0)
		kind = errno == ENOENT ? RUNDIR_DEAD : RUNDIR_STRANGE;
	else if (flock(artifacts_fd, LOCK_EX | LOCK_NB) != 0)
		kind = RUNDIR_ALIVE;
	else if (faccessat(artifacts_fd, RUNDIR_REPORT, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		kind = RUNDIR_FINISHED;
	if (artifacts_fd >= 0)
		close(artifacts_fd);
	close(dir_fd);
	return kind;
}

/*
 * A tree of copies, all names of which a workload chose, no deeper than sr-collect goes. A name is
 * unlinked as what it is: nothing is followed.
 */
static int remove_tree(int parent_fd, const char *name, unsigned depth)
{
	int fd = openat(parent_fd, name, OPEN_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return errno == ENOENT ? 0 : -1;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    unlinkat(fd, entry->d_name, 0) == 0)
			continue;
		if (errno != EISDIR || depth == TREE_DEPTH_MAX ||
		    remove_tree(fd, entry->d_name, depth + 1) != 0)
			break;
	}
	closedir(dir);
	return entry == NULL ? unlinkat(parent_fd, name, AT_REMOVEDIR) : -1;
}

/* What sr-launch made room for there, if it did. */
static int remove_outputs(int dir_fd)
{
	int fd = openat(dir_fd, "artifacts", OPEN_DIRECTORY);
	int answer;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	answer = remove_tree(fd, "outputs", 0);
	close(fd);
	return answer;
}

/* The files of one directory; a directory in it is refused by unlinkat (EISDIR) and stays. */
static int remove_files(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, OPEN_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return errno == ENOENT ? 0 : -1;
	}
	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    unlinkat(fd, entry->d_name, 0) != 0 && errno != EISDIR)
			break;
	closedir(dir);
	return entry == NULL ? 0 : -1;
}

static int remove_directory(int parent_fd, const char *name)
{
	if (remove_files(parent_fd, name) != 0)
		return -1;
	return unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -1;
}

int rundir_remove(int base_fd, const char *name)
{
	int dir_fd = openat(base_fd, name, OPEN_DIRECTORY);
	int answer;

	if (dir_fd < 0)
		return -1;
	answer = remove_directory(dir_fd, "stages");
	if (answer == 0)
		answer = remove_outputs(dir_fd);
	if (answer == 0)
		answer = remove_directory(dir_fd, "artifacts");
	close(dir_fd);
	return answer == 0 ? remove_directory(base_fd, name) : -1;
}

enum fault_code rundir_discard(struct rundir *rundir, struct fault *fault)
{
	int base_fd = openat(rundir->dir_fd, "..", OPEN_DIRECTORY);
	int answer = base_fd < 0 ? -1 : rundir_remove(base_fd, rundir->run_id);

	if (answer != 0)
		fault_set_errno(fault, FAULT_RUN_INIT, errno, "workdir",
				"cannot remove the unused run directory '%s'", rundir->path);
	if (base_fd >= 0)
		close(base_fd);
	rundir_close(rundir);
	return answer == 0 ? FAULT_NONE : fault->code;
}
