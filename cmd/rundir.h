/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_RUNDIR_H
#define CMD_RUNDIR_H

#include "ipc/fault.h"
#include "ipc/runid.h"

#include <limits.h>

/*
 * A run's directory, <base>/<run id>/: policy.yaml, stages/ (each stage's exact output) and
 * artifacts/ (report, events, logs). Directories 0700, files 0600. Below the base nothing is ever
 * opened through a link.
 *
 * artifacts_fd holds a flock(2) as long as the front-end or seal, which inherits it, lives: an
 * unlocked directory without a report is what a killed run left (safe-run gc).
 */
struct rundir {
	char run_id[RUNID_SIZE];
	char path[PATH_MAX]; /* absolute; "" until made */
	int dir_fd;
	int stages_fd;
	int artifacts_fd;
};

#define RUNDIR_NONE                                                                                \
	{                                                                                          \
		.dir_fd = -1, .stages_fd = -1, .artifacts_fd = -1                                  \
	}

#define RUNDIR_BASE_ROOT     "/var/lib/safe-run/runs"
#define RUNDIR_BASE_VARIABLE "SAFE_RUN_WORKDIR_BASE"
#define RUNDIR_EARLY	     "." /* before the run id, until the directory is locked */
#define RUNDIR_REPORT	     "run_report.json"
#define RUNDIR_BUNDLE	     "run_report.sigstore.json"
#define RUNDIR_OUTPUTS	     "outputs" /* these two only when the policy has outputs */
#define RUNDIR_MANIFEST	     "outputs.ndjson"

/*
 * Where run directories go: option when not NULL, else the environment variable, else
 * RUNDIR_BASE_ROOT for root, else $XDG_STATE_HOME or ~/.local/state, then safe-run/runs.
 */
enum fault_code rundir_base(const char *option, char base[PATH_MAX], struct fault *fault)
	__attribute__((warn_unused_result));

/* Make the directory for run_id, already set, and its parents where they lack. */
enum fault_code rundir_make(struct rundir *rundir, const char *base, struct fault *fault)
	__attribute__((warn_unused_result));

/* A new file below dir_fd, write-only; the caller closes *fd. */
enum fault_code rundir_create(int dir_fd, const char *name, int *fd, struct fault *fault)
	__attribute__((warn_unused_result));

/* "<path>/artifacts/<name>" */
void rundir_artifact(const struct rundir *rundir, const char *name, char out[PATH_MAX]);

void rundir_close(struct rundir *rundir);

#endif
