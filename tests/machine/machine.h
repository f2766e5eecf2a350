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

/* A member of an event's payload as text: "vm.exited", "machine.shutdown". "" without one. */
const char *machine_text(const struct run *run, const char *type, const char *path);
int64_t machine_number(const struct run *run, const char *type, const char *path);

#endif
