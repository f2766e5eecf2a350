/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/gc_store.h"

#include "cmd/spawn.h"
#include "cmd/store.h"
#include "cmd/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define WORK "work"

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
	if (!report->dry_run &&
	    (clear(work_fd) != VERB_DONE || unlinkat(store_fd, WORK, AT_REMOVEDIR) < 0))
		error_number = errno != 0 ? errno : EIO;
	(void)close(work_fd);
	gc_report_done(report, "the store of images", WORK, error_number);
}

void gc_store(struct gc_report *report)
{
	int store_fd = store_look();
	int lock_fd = store_fd < 0 ? -1 : openat(store_fd, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	/* Who holds it is making something in there; who was killed does not hold it any more. */
	if (lock_fd >= 0 && flock(lock_fd, LOCK_EX | LOCK_NB) == 0)
		sweep(store_fd, report);
	if (lock_fd >= 0)
		(void)close(lock_fd);
	if (store_fd >= 0)
		(void)close(store_fd);
}
