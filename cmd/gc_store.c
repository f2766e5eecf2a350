/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/gc_store.h"

#include "cmd/spawn.h"
#include "cmd/store.h"
#include "cmd/verb.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORK	"work"
#define VOLUMES "volumes"

/* Whatever names and depth the tree has: the stage that makes such trees removes it. */
static int clear(int work_fd)
{
	struct spawn_home home;
	struct spawn spawn;
	struct fault fault;
	int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int status = VERB_FAILED;

	if (null_fd >= 0 && spawn_find_home(&home, &fault) == FAULT_NONE) {
		spawn_begin(&spawn, "sr-unpack", STDIN_FILENO, null_fd);
		spawn_fd(&spawn, "--work-fd", work_fd);
		spawn_flag(&spawn, "--clear");
		status = spawn_and_wait(&spawn, &home);
	}
	if (null_fd >= 0)
		(void)close(null_fd);
	return status;
}

static void sweep(int store_fd, struct gc_report *report)
{
	int work_fd = openat(store_fd, WORK, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int error_number = 0;

	if (work_fd < 0)
		return;
	/* Why it could not be cleared its stage has said. */
	if (!report->dry_run && clear(work_fd) != VERB_DONE)
		error_number = EIO;
	else if (!report->dry_run && unlinkat(store_fd, WORK, AT_REMOVEDIR) < 0)
		error_number = errno;
	(void)close(work_fd);
	gc_report_done(report, "the store of images", WORK, error_number);
}

/* What store_publish puts into one (stages/launch/store.c), and nothing else. */
static int remove_volume(int volumes_fd, const char *name)
{
	int fd = openat(volumes_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int result = -1, error_number;

	if (fd >= 0 && (unlinkat(fd, "image", 0) == 0 || errno == ENOENT) &&
	    (unlinkat(fd, "manifest", 0) == 0 || errno == ENOENT))
		result = unlinkat(volumes_fd, name, AT_REMOVEDIR);
	error_number = errno;
	if (fd >= 0)
		(void)close(fd);
	errno = error_number;
	return result;
}

static void sweep_volumes(int store_fd, time_t before, struct gc_report *report)
{
	int list_fd = openat(store_fd, VOLUMES, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *list = list_fd < 0 ? NULL : fdopendir(list_fd);
	const struct dirent *entry;
	struct stat info;

	while (list != NULL && (entry = readdir(list)) != NULL) {
		if (entry->d_name[0] == '.' ||
		    fstatat(list_fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0 ||
		    info.st_mtime > before)
			continue;
		gc_report_done(
			report, "the store of images", entry->d_name,
			report->dry_run || remove_volume(list_fd, entry->d_name) == 0 ? 0 : errno);
	}
	if (list != NULL)
		(void)closedir(list);
	else if (list_fd >= 0)
		(void)close(list_fd);
}

void gc_store(time_t before, struct gc_report *report)
{
	time_t week = time(NULL) - GC_STORE_KEPT_S;
	int store_fd = store_look();
	int lock_fd = store_fd < 0 ? -1 : openat(store_fd, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	/* Who holds it is making something in there; who was killed does not hold it any more. */
	if (lock_fd >= 0 && flock(lock_fd, LOCK_EX | LOCK_NB) == 0) {
		sweep(store_fd, report);
		sweep_volumes(store_fd, before < week ? before : week, report);
	}
	if (lock_fd >= 0)
		(void)close(lock_fd);
	if (store_fd >= 0)
		(void)close(store_fd);
}
