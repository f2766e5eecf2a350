/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SANDBOX_FILTERPROGRAM_H
#define SANDBOX_FILTERPROGRAM_H

#include "sandbox/filtercode.h"

/*
 * From rules to a seccomp program (seccomp(2)), at build time.
 *
 * Why not libseccomp's generator: it compares each number on its own, 727 instructions for standard
 * where 412 say the same, and the kernel checks, translates and compiles every one of them each
 * time a filter is installed, four times in a run for the launcher and what comes out of it.
 * Numbers next to each other with one answer are one range here. tests/unit/sandbox_filter_rules.c
 * runs every filter of the tree against its rules read one by one.
 */

/* false: more than BPF_MAXINSNS instructions, which the kernel would refuse. */
bool filter_program_build(struct filter_program *program, const struct filter_file *file)
	__attribute__((warn_unused_result));

#endif
