/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_STAGE_LAUNCH_RUN_H
#define TESTS_STAGE_LAUNCH_RUN_H

#include "tests/support/child.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct json_object;

/*
 * sr-launch, run on a hand-made policy: to its end (launch_run_*), or living, with our hands on its
 * descriptors (launch_live_*). The events are parsed; a stream that is no stream fails the test.
 */
#define LAUNCH_EVENT_MAX 64

struct launch_events {
	struct json_object *items[LAUNCH_EVENT_MAX];
	size_t count;
};

struct launch_run {
	struct child_result result;
	struct launch_events events;
};

/* options are sr-launch's own, NULL at the end, or NULL for none. Takes the policy over. */
void launch_run_policy(struct launch_run *run, struct json_object *policy,
		       const char *const options[], const struct child_options *child);
void launch_run_text(struct launch_run *run, const void *input, size_t len,
		     const char *const options[]);
void launch_run_release(struct launch_run *run);

/* The first event of the type; NULL when there is none. */
struct json_object *launch_event(const struct launch_events *events, const char *type);
/* Its member "payload.<path>" as text; "" when there is none. */
const char *launch_text(const struct launch_events *events, const char *type, const char *path);
/* Whether types, joined by a space, are exactly these. */
void launch_expect_types(const struct launch_events *events, const char *types);
/* Ended by run.failed with this code and step, exit status 1, nothing started. */
void launch_expect_refused(const struct launch_run *run, const char *code, const char *step);

struct launch_live {
	/* Set by the caller, or NULL: runs in a mount namespace made for it, before sr-launch; -1
	 * ends the test. */
	int (*before)(const char *argument);
	const char *argument;
	pid_t pid;
	int in;	    /* the bundle's pipe */
	int out;    /* events */
	int output; /* what the workload writes to stdout and stderr; end of file: all have ended */
	int control; /* -1 when closed */
	char text[262144];
	size_t len;
	char seen[4096]; /* what launch_live_await_output read */
};

/* Started, nothing written yet. options as above, after --stdout-fd, --stderr-fd, --control-fd. */
void launch_live_start(struct launch_live *live, const char *const options[]);
/* Write the policy's bundle (taken over) and close the pipe. */
void launch_live_give(struct launch_live *live, struct json_object *policy);
/* Read events until one of the type is there; false at end of file. */
bool launch_live_await(struct launch_live *live, const char *type);
/* Read the workload's output until text is in it; fails the test at end of file. */
void launch_live_await_output(struct launch_live *live, const char *text);
/* All of the rest; the wait status. Also waits for the end of the output: no survivor holds it. */
int launch_live_end(struct launch_live *live, struct launch_events *events);
void launch_events_parse(struct launch_events *events, const char *text, size_t len);
void launch_events_release(struct launch_events *events);

/* Remove what a killed launcher left of this run's cgroup. */
void launch_remove_cgroups(const char *run_id);

/* Skip, with the reason, where this host cannot run a sandbox for this user. */
void launch_need_sandbox(void);

#endif
