/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/gc_jails.h"

#include "cmd/rundir_remove.h"
#include "stages/jail/base.h"
#include "stages/jail/image.h"
#include "stages/jail/snapshot.h"
#include "stages/jail/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define WHERE JAIL_BASE "/" JAIL_EXEC

/* Locked by who lives; whoever makes one has it locked before its name is a run's to be swept. */
static bool is_dead(int base_fd, const char *name, time_t before)
{
	time_t started = rundir_started(name);
	bool dead;
	int fd;

	if (started < 0 || started > before)
		return false;
	fd = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	dead = flock(fd, LOCK_EX | LOCK_NB) == 0;
	close(fd);
	return dead;
}

static void sweep(DIR *dir, time_t before, struct gc_report *report)
{
	const struct dirent *entry;

	while ((entry = readdir(dir)) != NULL) {
		if (!is_dead(dirfd(dir), entry->d_name, before))
			continue;
		if (report->dry_run || tree_remove(dirfd(dir), entry->d_name) == 0)
			gc_report_done(report, WHERE, entry->d_name, 0);
		else
			gc_report_done(report, WHERE, entry->d_name, errno);
	}
}

/* A name more than the one it has here is a jail's; making or taking one away is a change of its. */
static bool is_unused(int images_fd, const char *name, time_t before)
{
	struct stat status;

	return fstatat(images_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(status.st_mode) && status.st_nlink == 1 && status.st_ctim.tv_sec <= before;
}

/* Who puts something in holds it meanwhile. NULL: there is none. */
static DIR *open_locked(int base_fd, const char *path)
{
	int fd = openat(base_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 && flock(fd, LOCK_EX) == 0 ? fdopendir(fd) : NULL;

	if (dir == NULL && fd >= 0)
		close(fd);
	return dir;
}

static void sweep_images(int base_fd, time_t before, struct gc_report *report)
{
	DIR *dir = open_locked(base_fd, "../images");
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (!is_unused(dirfd(dir), entry->d_name, before))
			continue;
		if (report->dry_run || unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			gc_report_done(report, IMAGE_DIR, entry->d_name, 0);
		else
			gc_report_done(report, IMAGE_DIR, entry->d_name, errno);
	}
	if (dir != NULL)
		closedir(dir);
}

/* Its parts are linked into the jails of those who use it. */
static bool is_unused_snapshot(int fd, const char *name, time_t before)
{
	char path[NAME_MAX + 16];

	snprintf(path, sizeof(path), "%s/" SNAPSHOT_STATE, name);
	return name[0] != '.' && is_unused(fd, path, before);
}

static void sweep_snapshots(int base_fd, time_t before, struct gc_report *report)
{
	DIR *dir = open_locked(base_fd, "../snapshots");
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (!is_unused_snapshot(dirfd(dir), entry->d_name, before))
			continue;
		if (report->dry_run || tree_remove(dirfd(dir), entry->d_name) == 0)
			gc_report_done(report, JAIL_BASE "/snapshots", entry->d_name, 0);
		else
			gc_report_done(report, JAIL_BASE "/snapshots", entry->d_name, errno);
	}
	if (dir != NULL)
		closedir(dir);
}

void gc_jails(time_t before, struct gc_report *report)
{
	char bad[64];
	int base_fd = geteuid() == 0 ? base_open(false, bad, sizeof(bad)) : -1;
	DIR *dir;

	if (base_fd < 0)
		return;
	/* Who makes a jail holds this one until its own lock is held. */
	if (flock(base_fd, LOCK_EX) != 0 || (dir = fdopendir(base_fd)) == NULL) {
		close(base_fd);
		return;
	}
	sweep(dir, before, report);
	sweep_images(dirfd(dir), before, report);
	sweep_snapshots(dirfd(dir), before, report);
	closedir(dir);
}
