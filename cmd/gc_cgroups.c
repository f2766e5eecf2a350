/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/gc_cgroups.h"

#include "cmd/rundir_remove.h"
#include "stages/launch/cgroup_layout.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CGROUP_PREFIX  "safe-run-"
#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define DEPTH_MAX      32 /* systemd nests about ten */
#define PROC_FILE_MAX  ((size_t)1 << 20)

/* A whole file of /proc, NUL-terminated; the caller frees it. NULL when it cannot be had. */
static char *read_text(const char *path)
{
	char *text = malloc(PROC_FILE_MAX);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = -1;

	while (text != NULL && fd >= 0 && len < PROC_FILE_MAX - 1) {
		got = read(fd, text + len, PROC_FILE_MAX - 1 - len);
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	if (fd >= 0)
		close(fd);
	if (got != 0) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

/* Whether the process of this /proc entry is a launcher. comm is cut at 15 bytes, ours has 9. */
static bool is_launcher(int proc_fd, const char *pid)
{
	char path[32];
	char comm[32];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%.16s/comm", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, comm, sizeof(comm) - 1);
	close(fd);
	return len == (ssize_t)strlen("sr-launch\n") &&
	       memcmp(comm, "sr-launch\n", strlen("sr-launch\n")) == 0;
}

/* True as well when /proc cannot be read: then nobody knows. */
static bool launcher_lives(void)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	bool found = proc == NULL;

	while (!found && (entry = readdir(proc)) != NULL)
		found = isdigit((unsigned char)entry->d_name[0]) &&
			is_launcher(dirfd(proc), entry->d_name);
	if (proc != NULL)
		closedir(proc);
	return found;
}

static bool may_live(int base_fd, const char *run_id, time_t before)
{
	struct stat status;
	time_t started = rundir_started(run_id);

	if (started < 0 || started > before)
		return true;
	if (base_fd >= 0 && fstatat(base_fd, run_id, &status, AT_SYMLINK_NOFOLLOW) == 0)
		return rundir_look(base_fd, run_id) == RUNDIR_ALIVE;
	return launcher_lives();
}

struct search {
	int base_fd;
	time_t before;
	struct gc_report *report;
	char where[PATH_MAX]; /* of the directory looked at, for the report */
};

/* A directory of ours with a run's name. Somebody else's is his to remove, even for root. */
static bool is_left_over(const struct search *search, int dir_fd, const char *name)
{
	struct stat status;

	return fstatat(dir_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
	       !may_live(search->base_fd, name + strlen(CGROUP_PREFIX), search->before);
}

/* The last processes of a killed run are gone a moment later, and until then it is busy. */
static int remove_empty(int dir_fd, const char *name)
{
	enum { TRIES = 100, TRY_MS = 5 };
	char below[2 * NAME_MAX + 2];
	int result;

	/* A machine of Firecracker's has one of its own in there, named after the run. */
	snprintf(below, sizeof(below), "%s/%s", name, name + strlen(CGROUP_PREFIX));
	(void)unlinkat(dir_fd, below, AT_REMOVEDIR);
	result = unlinkat(dir_fd, name, AT_REMOVEDIR);

	for (int i = 0; i < TRIES && result != 0 && errno == EBUSY; i++) {
		poll(NULL, 0, TRY_MS);
		result = unlinkat(dir_fd, name, AT_REMOVEDIR);
	}
	return result;
}

/* An empty cgroup goes; one with a process in it cannot (EBUSY). */
static void take_away(const struct search *search, int dir_fd, const char *name)
{
	if (!is_left_over(search, dir_fd, name))
		return;
	if (search->report->dry_run || remove_empty(dir_fd, name) == 0)
		gc_report_done(search->report, search->where, name, 0);
	else if (errno != ENOENT)
		gc_report_done(search->report, search->where, name, errno);
}

static void look_in(struct search *search, int dir_fd, unsigned depth);

static void look_below(struct search *search, int dir_fd, const char *name, unsigned depth)
{
	size_t len = strlen(search->where);
	int fd;

	if (depth == DEPTH_MAX || len + strlen(name) + 2 > sizeof(search->where))
		return;
	fd = openat(dir_fd, name, OPEN_DIRECTORY);
	if (fd < 0)
		return;
	search->where[len] = '/';
	memcpy(search->where + len + 1, name, strlen(name) + 1);
	look_in(search, fd, depth + 1);
	search->where[len] = '\0';
}

/* Takes dir_fd over. What cannot be read has nothing of ours in it. */
static void look_in(struct search *search, int dir_fd, unsigned depth)
{
	DIR *dir = fdopendir(dir_fd);
	const struct dirent *entry;

	if (dir == NULL) {
		close(dir_fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (strncmp(entry->d_name, CGROUP_PREFIX, strlen(CGROUP_PREFIX)) == 0 &&
		    rundir_started(entry->d_name + strlen(CGROUP_PREFIX)) >= 0)
			take_away(search, dirfd(dir), entry->d_name);
		else
			look_below(search, dirfd(dir), entry->d_name, depth);
	}
	closedir(dir);
}

/* Where the hierarchy is mounted; false when it was one we have been through already. */
static bool mount_of(const struct cgroup_layout *layout, size_t hierarchy, char *out, size_t size)
{
	const struct cgroup_place *place = &layout->places[hierarchy];

	if (!place->visible)
		return false;
	for (size_t i = 0; i < hierarchy; i++)
		if (layout->places[i].visible && layout->places[i].mount_len == place->mount_len &&
		    memcmp(layout->places[i].own, place->own, place->mount_len) == 0)
			return false;
	snprintf(out, size, "%s%s%.*s", CGROUP_ROOT, place->mount_len > 0 ? "/" : "",
		 (int)place->mount_len, place->own);
	return true;
}

void gc_cgroups(int base_fd, time_t before, struct gc_report *report)
{
	struct search search = {.base_fd = base_fd, .before = before, .report = report};
	char *mountinfo = read_text("/proc/self/mountinfo");
	char *own = read_text("/proc/self/cgroup");
	struct cgroup_layout layout;
	int fd;

	if (mountinfo != NULL && own != NULL) {
		cgroup_layout_parse(mountinfo, own, &layout);
		for (size_t i = 0; i < CGROUP_HIERARCHY_COUNT; i++) {
			if (!mount_of(&layout, i, search.where, sizeof(search.where)))
				continue;
			fd = open(search.where, OPEN_DIRECTORY);
			if (fd >= 0)
				look_in(&search, fd, 0);
		}
	}
	free(mountinfo);
	free(own);
}
