/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ATTACKS_NW_STEP_H
#define ATTACKS_NW_STEP_H

#include "tests/attacks/live.h"
#include "tests/attacks/nw.h"

/* What a run has come to, as its host sees it; each before the next. */
enum nw_step {
	NW_STEP_LAUNCH,
	NW_STEP_UPLINK,
	NW_STEP_FILTER,
	NW_STEP_INTERFACE,
	NW_STEP_RULES,
	NW_STEP_RUNS,
	NW_STEP_OVER
};

extern const char *const nw_step_names[];

/* The launcher once that step has come, or 0. */
pid_t nw_wait_for(const struct nw_world *world, struct live *live, enum nw_step step);
/* A child by its name, or 0. */
pid_t nw_child(pid_t parent, const char *name);

/* Which of ours makes the way out. */
const char *nw_uplink(void);

/* What a command says in the host's namespaces; the caller frees it. */
char *nw_output(const struct nw_world *world, const char *const argv[]);
/* What the host has of runs (nw_step.c), in one text; the caller frees it. */
char *nw_state(const struct nw_world *world);
/* It is that again, soon. */
void nw_expect_as_before(const struct nw_world *world, const char *before, const char *what);

#endif
