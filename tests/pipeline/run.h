/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PIPELINE_RUN_H
#define PIPELINE_RUN_H

#include "tests/support/child.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * One "safe-run run" over whole input, with run directories of its own, and what it left. Where an
 * ordinary user has no cgroup of his own, runs are made with --best-effort, and tests of limits
 * call run_need_limits first.
 */
struct run {
	char *base; /* where run directories go */
	char *dir;  /* the run's; NULL when there is none */
	struct child_result child;
	struct json_object *report; /* NULL when there is none */
};

/* options and command are NULL-terminated lists; either may be NULL. */
void run_start(struct run *run, const char *const options[], const char *const command[],
	       const void *input, size_t input_len);
void run_release(struct run *run);
/* What a killed launcher cannot remove, gc does, once the last process in it has gone. */
void run_sweep(const struct run *run);

/* The whole command line, NULL-terminated, in storage of the test's: for tests that exec it. */
const char **run_argv(const char *base, const char *const options[], const char *const command[]);
/* Fill in dir and report from base, after a run somebody else made. */
void run_collect(struct run *run);

/* A member of the report: "outcome.cause". NULL when it is not there. */
struct json_object *run_member(const struct run *run, const char *path);
const char *run_text(const struct run *run, const char *path); /* "" when it is no string */
int64_t run_number(const struct run *run, const char *path);   /* -1 when it is no number */
bool run_has_event(const struct run *run, const char *type);
bool run_has_error(const struct run *run, const char *code);

/* The test fails unless the report verifies, ends in this state, and safe-run's status is this. */
void run_expect(struct run *run, int status, const char *cause);

/*
 * In a forked child, where nothing of Criterion's may be called: a mount namespace of its own, and
 * for an ordinary user a user namespace around it. What fails ends it with one of these.
 */
#define RUN_NO_NAMESPACES 98
#define RUN_NO_MOUNT	  99
void run_enter_mounts(void);

/* Skip, with the reason, unless limits can be enforced here. MUST_WORK=1: fail. */
void run_need_limits(void);
void run_skip(const char *reason);

/* "<policies>/<name>"; the caller frees it. */
char *run_policy(const char *name);

/* Two lists, NULL-terminated, in place. */
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
