/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SANDBOX_FILTERCODE_H
#define SANDBOX_FILTERCODE_H

#include "sandbox/filterfile.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The instructions of a seccomp program, written backwards, from the last to the first, because BPF
 * jumps only forwards: whatever an instruction jumps to is there already. A place is an index into
 * the program's code; what each function returns is the place of the first instruction it wrote.
 */
struct filter_program {
	struct sock_filter code[BPF_MAXINSNS]; /* filled from the end */
	size_t first;			       /* the program is code[first] to the end */
	bool overflowed;
};

#define FILTERCODE_ACTIONS (FILTER_IGNORE + 1)

struct filtercode {
	struct filter_program *program;
	const struct filter_file *file;
	size_t answers[FILTERCODE_ACTIONS]; /* the last return of each; BPF_MAXINSNS: none yet */
};

/* Where an argument's 64 bits lie, on a little-endian machine. */
#define FILTERCODE_LOW(arg)  ((uint32_t)(offsetof(struct seccomp_data, args) + 8 * (arg)))
#define FILTERCODE_HIGH(arg) (FILTERCODE_LOW(arg) + 4)

/* A return of this action that a jump written next can reach. */
size_t filtercode_answer(struct filtercode *code, enum filter_action action);
/* The word at offset of struct seccomp_data into the accumulator; runs into what was written last.
 */
size_t filtercode_load(struct filtercode *code, uint32_t offset);
/* BPF_JEQ, BPF_JGT, BPF_JGE or BPF_JSET between the accumulator and k. */
size_t filtercode_jump(struct filtercode *code, unsigned comparison, uint32_t k, size_t yes,
		       size_t no);
/* One condition of a rule, all 64 bits of it. */
size_t filtercode_test(struct filtercode *code, const struct scmp_arg_cmp *condition, size_t yes,
		       size_t no);

#endif
