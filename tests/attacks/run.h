/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ATTACKS_RUN_H
#define ATTACKS_RUN_H

#include "tests/support/child.h"

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/*
 * One attack: a policy, a run of it through `safe-run run`, the sealed report. Each test makes an
 * attack, sets what it needs, runs it once or often, and looks from outside.
 *
 * The attack programs (tests/attacks/inside) lie at ATTACK_INSIDE in the sandbox, read-only.
 */
#define ATTACK_INSIDE "/opt/attack"

#define ATTACK_WRAPPER_MAX 4
struct attack {
	struct json_object *policy;
	char *dir;    /* this test's own: policy, allowlist, run directories below dir/runs */
	char *source; /* the attack programs on the host */
	/* Attack program and its arguments that start safe-run; NULL: none. */
	const char *wrapper[ATTACK_WRAPPER_MAX];
	const char *option; /* one more option for `safe-run run`, or NULL */
	struct child_options child;

	/* Of the last run. */
	struct child_result result;
	char *report_path;
	struct json_object *report;
};

/* command and arguments, NULL at the end; the rest is a small strict policy. */
void attack_open(struct attack *attack, const char *const argv[]);
/* The test fails when the run directories cannot be removed. */
void attack_close(struct attack *attack);

/* Set a field of the policy: name like "resources.memory.max", value as JSON text. */
void attack_set(struct attack *attack, const char *name, const char *json);
void attack_unset(struct attack *attack, const char *name);
/* Replace the command. */
void attack_command(struct attack *attack, const char *const argv[]);

/*
 * Run it and load its report, which must verify: nothing below is evidence otherwise. A run that
 * ended before its run directory existed fails the test.
 */
void attack_run(struct attack *attack);

/* Only the files and the command line (each argument the caller's to free), for a run in the
 * background; attack_load then reads what it left. */
#define ATTACK_ARGV_MAX 16
void attack_prepare(struct attack *attack, char *argv[ATTACK_ARGV_MAX]);
void attack_load(struct attack *attack);

/* Of the report: text at "outcome.cause" ("" when it is no string), integer, or -1. */
const char *attack_text(const struct attack *attack, const char *name);
long long attack_number(const struct attack *attack, const char *name);
/* A value of the last event of that type, as text; "" when there is none. */
const char *attack_event(const struct attack *attack, const char *type, const char *name);
/* What enforcement[] says a clause came to, when that is a number; else -1. */
long long attack_effective(const struct attack *attack, const char *clause);
size_t attack_events(const struct attack *attack);
/* The codes of errors[], joined by a space; a buffer that the next call overwrites. */
const char *attack_errors(const struct attack *attack);

/* The attack must have run to its own end: cause exit, events from compile to a closing one. */
void attack_expect_finished(const struct attack *attack);
/* Refused before anything ran: status 125, a sealed report with that code, no vm.started. */
void attack_expect_refused(const struct attack *attack, const char *code);

/* What an attack program said behind "NAME " on the first such line; "" when it said nothing. */
const char *attack_said(const char *out, const char *name);
size_t attack_lines(const char *out, const char *prefix);

/* The control: the attack program itself, unprotected. */
void attack_bare(const char *const argv[], struct child_result *result);
/* Path of an attack program on the host. */
const char *attack_program(const char *name);

/* Processes anywhere on the host with token as an argument. */
size_t attack_processes(const char *token);
/* End those, by their ids: what a control left on purpose. */
void attack_end(const char *token);
/* Wait, at most limit_ms, until there are none; how many are left. */
size_t attack_wait_gone(const char *token, unsigned limit_ms);

/* CLOCK_MONOTONIC. */
long long attack_now_ms(void);

/* This machine is ours alone (the guest of check-v2): its clock and core handler may be turned. */
bool attack_machine_is_ours(void);
bool attack_is_root(void);

#endif
