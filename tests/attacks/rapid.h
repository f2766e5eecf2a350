/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ATTACKS_RAPID_H
#define ATTACKS_RAPID_H

#include "tests/attacks/run.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Races want many runs in little time: what a policy comes to is compiled once, and sr-launch alone
 * runs the bundle again and again. It is the stage that opens, checks, hashes and executes; by hand
 * the workload's output is its standard error.
 */
struct rapid {
	char *bundle;
	size_t bundle_len;
	struct child_result
		result; /* of the last run: out are events, err is what the command said */
};

/* The bundle of the attack's policy under its dir/allow.json. */
void rapid_open(struct rapid *rapid, struct attack *attack);
void rapid_close(struct rapid *rapid);
/* The stream must be whole, from compile to a closing event; true when the command ran. */
bool rapid_run(struct rapid *rapid);
/* A string of the last run's event of that type: the first member of that name; "" without one. */
const char *rapid_text(const struct rapid *rapid, const char *type, const char *name);

/* Two paths exchanged as fast as can be, in a thread of its own. */
struct flipper {
	char paths[2][4096];
	atomic_bool stop;
	atomic_ulong rounds;
	pthread_t thread;
};

void flipper_start(struct flipper *flipper);
/* How often they were exchanged. */
unsigned long flipper_stop(struct flipper *flipper);

#endif
