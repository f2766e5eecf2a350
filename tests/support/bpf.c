/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/bpf.h"

#include <criterion/criterion.h>
#include <string.h>

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t word;

	cr_assert_leq(offset, sizeof *data - sizeof word);
	memcpy(&word, (const char *)data + offset, sizeof word);
	return word;
}

static bool jump_taken(const struct sock_filter *op, uint32_t a)
{
	switch (BPF_OP(op->code)) {
	case BPF_JEQ:
		return a == op->k;
	case BPF_JGT:
		return a > op->k;
	case BPF_JGE:
		return a >= op->k;
	case BPF_JSET:
		return a & op->k;
	default:
		cr_assert_fail("jump %#x", op->code);
		return false;
	}
}

/* The instructions seccomp_check_filter() lets pass and a .filter file needs. */
uint32_t bpf_run(const struct sock_filter *program, size_t count, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < count; pc++) {
		const struct sock_filter *op = &program[pc];

		switch (BPF_CLASS(op->code)) {
		case BPF_LD:
			a = load(data, op->k);
			break;
		case BPF_ALU:
			cr_assert_eq(op->code, BPF_ALU | BPF_AND | BPF_K);
			a &= op->k;
			break;
		case BPF_JMP:
			pc += BPF_OP(op->code) == BPF_JA ? op->k
			      : jump_taken(op, a)	 ? op->jt
							 : op->jf;
			break;
		case BPF_RET:
			return op->k;
		default:
			cr_assert_fail("instruction %#x", op->code);
		}
	}
	cr_assert_fail("ran past the end");
	return 0;
}
