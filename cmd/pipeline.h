/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_PIPELINE_H
#define CMD_PIPELINE_H

#include "cmd/forward_key.h"
#include "cmd/overrides.h"
#include "cmd/process.h"
#include "cmd/rundir.h"
#include "cmd/signing.h"
#include "cmd/spawn.h"
#include "cmd/tty.h"
#include "ipc/fault.h"

#include <stdbool.h>

/* The five stages of a run, started at once and connected as the diagram in pipeline.c shows. */
enum pipeline_stage {
	PIPELINE_VALIDATE,
	PIPELINE_COMPILE,
	PIPELINE_LAUNCH,
	PIPELINE_MONITOR,
	PIPELINE_SEAL,
	PIPELINE_STAGE_COUNT
};

/* What the pipeline is made from; all of it stays the caller's. */
struct pipeline_plan {
	const struct spawn_home *home;
	const struct rundir *rundir;
	const struct fault *refusal; /* NULL, or why there is no policy: sealed in its place */
	const struct tty *tty;	     /* NULL: plain pipes */
	struct signing *signing;     /* NULL: nobody signs */
	const char *challenge;	     /* these three may be NULL */
	const char *mount_allowlist;
	const char *sample_ms;
	const struct forward_key *forward; /* NULL: no forward seal */
	int policy_fd;
	int overrides_fd;  /* -1: none */
	int host_facts_fd; /* -1: ask the host; else the recorded answer to a policy, of a rerun */
	int store_fd;	   /* of unpacked images; -1: none */
	int machine_fd;	   /* what a microVM is started from; -1: the default directory */
	const char *vmm;   /* these two NULL: auto */
	const char *accel;
	const char *firecracker_dir; /* NULL: the usual places */
	bool snapshot;
	bool apart; /* the launcher is out of the terminal's reach (struct signals) */
	bool best_effort;
	bool copies_output; /* to the caller's standard output and error */
};

struct pipeline {
	struct process stages[PIPELINE_STAGE_COUNT];
	int control_fd; /* to launch: {"signal":N} */
	int notice_fd;	/* to seal: how another stage ended */
	int result_fd;	/* from seal: its result record */
	int avoided;	/* while stages start: the launcher's processor, or AFFINITY_NONE */
};

void pipeline_init(struct pipeline *pipeline);

/*
 * Start all of it. After a fault some stages may run: their pipes are closed, so they end, seal
 * last, and the caller supervises them as it would a whole pipeline.
 */
enum fault_code pipeline_start(struct pipeline *pipeline, const struct pipeline_plan *plan,
			       struct fault *fault) __attribute__((warn_unused_result));

/* Whether any stage was started. */
bool pipeline_started(const struct pipeline *pipeline);

/* Close what is still open. Does not wait. */
void pipeline_close(struct pipeline *pipeline);

#endif
