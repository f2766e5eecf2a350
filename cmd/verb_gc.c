/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run gc: remove what a run left when everything of it was killed at once. */
#include "cmd/artifact_place.h"
#include "cmd/gc_cgroups.h"
#include "cmd/gc_jails.h"
#include "cmd/gc_report.h"
#include "cmd/gc_store.h"
#include "cmd/machine_place.h"
#include "cmd/option.h"
#include "cmd/rundir.h"
#include "cmd/rundir_remove.h"
#include "cmd/verb.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SYNOPSIS "[--workdir DIR] [--older-than SECONDS] [--dry-run]"

/*
 * A directory has its early name for a few system calls only, until it is locked. After a minute
 * whoever made it is dead.
 */
#define EARLY_S		 60
#define OLDER_THAN_MAX_S (UINT64_C(100) * 366 * 24 * 3600)

enum gc_option { GC_WORKDIR, GC_OLDER_THAN, GC_DRY_RUN, GC_OPTION_COUNT };

static const struct option table[GC_OPTION_COUNT] = {
	[GC_WORKDIR] = {"workdir", "DIR", "where the run directories are"},
	[GC_OLDER_THAN] = {"older-than", "SECONDS", "leave runs alone that began later"},
	[GC_DRY_RUN] = {"dry-run", NULL, "say what would be removed"},
};

struct gc {
	const char *workdir;
	uint64_t older_than_s;
	struct gc_report report;
};

static bool is_dead(int base_fd, const char *name, time_t before)
{
	size_t early_len = strlen(RUNDIR_EARLY);
	bool early = strncmp(name, RUNDIR_EARLY, early_len) == 0;
	time_t started = rundir_started(early ? name + early_len : name);

	return started >= 0 && started <= before && (!early || started <= time(NULL) - EARLY_S) &&
	       rundir_look(base_fd, name) == RUNDIR_DEAD;
}

static void sweep_runs(int base_fd, const char *base, time_t before, struct gc_report *report)
{
	int list_fd = openat(base_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	const struct dirent *entry;

	if (dir == NULL) {
		gc_report_done(report, base, ".", errno);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (!is_dead(base_fd, entry->d_name, before))
			continue;
		if (report->dry_run || rundir_remove(base_fd, entry->d_name) == 0)
			gc_report_done(report, base, entry->d_name, 0);
		else
			gc_report_done(report, base, entry->d_name, errno);
	}
	closedir(dir);
}

/* Beside the default place; a build elsewhere sweeps its own. */
static void sweep_artifacts(struct gc_report *report)
{
	char path[PATH_MAX];

	if (machine_place_default(path))
		artifact_place_sweep(path, report);
}

static int sweep(struct gc *gc)
{
	time_t before = time(NULL) - (time_t)gc->older_than_s;
	char base[PATH_MAX];
	struct fault fault;
	int base_fd;

	if (rundir_base(gc->workdir, base, &fault) != FAULT_NONE) {
		fprintf(stderr, "safe-run gc: %s\n", fault.message);
		return VERB_FAILED;
	}
	base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base_fd < 0 && errno != ENOENT) {
		fault_set_errno(&fault, FAULT_RUN_INIT, errno, "", "%s", base);
		fprintf(stderr, "safe-run gc: %s\n", fault.message);
		return VERB_FAILED;
	}
	/* Cgroups first: a run's directory, while it is there, says whether its run lives. */
	gc_cgroups(base_fd, before, &gc->report);
	gc_jails(before, &gc->report);
	gc_store(before, &gc->report);
	sweep_artifacts(&gc->report);
	if (base_fd >= 0) {
		sweep_runs(base_fd, base, before, &gc->report);
		close(base_fd);
	}
	return gc->report.failed == 0 ? VERB_DONE : VERB_FAILED;
}

int verb_gc(int argc, char **argv)
{
	struct option_cursor cursor = {"gc", SYNOPSIS, table, GC_OPTION_COUNT, argv, 1};
	struct gc gc = {.older_than_s = 0};
	const char *value;
	size_t index;

	(void)argc;
	for (;;) {
		switch (option_next(&cursor, &index, &value)) {
		case OPTION_FOUND:
			if (index == GC_WORKDIR)
				gc.workdir = value;
			else if (index == GC_DRY_RUN)
				gc.report.dry_run = true;
			else if (!option_number(value, 0, OLDER_THAN_MAX_S, &gc.older_than_s))
				return option_usage("gc", SYNOPSIS, "--older-than takes seconds");
			break;
		case OPTION_OPERAND:
		case OPTION_COMMAND:
			return option_usage("gc", SYNOPSIS, "takes no argument");
		case OPTION_HELP:
			return VERB_DONE;
		case OPTION_WRONG:
			return VERB_USAGE;
		case OPTION_END:
			return sweep(&gc);
		}
	}
}
