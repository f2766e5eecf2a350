/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_MACHINE_MACHINE_H
#define TESTS_MACHINE_MACHINE_H

#include "tests/pipeline/run.h"

/*
 * Whole runs in a microVM. "good" is a guest with sr-init, "hostile" one with hostile.c. All of
 * them share two artifact directories, made once (tests/machine/artifacts).
 */
void machine_run(struct run *run, const char *guest, const char *const options[],
		 const char *const command[], const void *input, size_t input_len);

/* The good artifacts in a directory of the test's own, each file there twice ("copy-of-") where that
 * is wanted; freed and removed by the caller. */
char *machine_copy_artifacts(bool twice);
/*
 * A run from there by a safe-run whose sr-machine is tests/machine/standin.c, which does what was
 * ordered in dir.
 */
void machine_order(const char *dir, const char *orders);
void machine_run_standin(struct run *run, const char *dir, const char *const options[],
			 const char *const command[]);

/* A member of an event's payload as text: "vm.exited", "machine.shutdown". "" without one. */
const char *machine_text(const struct run *run, const char *type, const char *path);
int64_t machine_number(const struct run *run, const char *type, const char *path);

#endif
