/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/gc_cgroups.h"

#include "cmd/rundir_remove.h"
#include "stages/launch/cgroup_layout.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CGROUP_PREFIX  "safe-run-"
#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
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

static void sweep(const char *where, int base_fd, time_t before, struct gc_report *report)
{
	int fd = open(where, OPEN_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		const char *name = entry->d_name;

		if (strncmp(name, CGROUP_PREFIX, strlen(CGROUP_PREFIX)) != 0 ||
		    may_live(base_fd, name + strlen(CGROUP_PREFIX), before))
			continue;
		if (report->dry_run || unlinkat(fd, name, AT_REMOVEDIR) == 0)
			gc_report_done(report, where, name, 0);
		else if (errno != ENOENT)
			gc_report_done(report, where, name, errno);
	}
	closedir(dir);
}

void gc_cgroups(int base_fd, time_t before, struct gc_report *report)
{
	char where[sizeof(CGROUP_ROOT) + CGROUP_PATH_SIZE];
	char *mountinfo = read_text("/proc/self/mountinfo");
	char *own = read_text("/proc/self/cgroup");
	struct cgroup_layout layout;

	if (mountinfo != NULL && own != NULL) {
		cgroup_layout_parse(mountinfo, own, &layout);
		for (size_t i = 0; i < CGROUP_HIERARCHY_COUNT; i++) {
			const struct cgroup_place *place = &layout.places[i];

			if (!place->visible)
				continue;
			snprintf(where, sizeof(where), "%s/%s", CGROUP_ROOT, place->own);
			sweep(where, base_fd, before, report);
			if (i != CGROUP_UNIFIED || strlen(place->own) <= place->mount_len)
				continue;
			*strrchr(where, '/') = '\0';
			sweep(where, base_fd, before, report);
		}
	}
	free(mountinfo);
	free(own);
}
