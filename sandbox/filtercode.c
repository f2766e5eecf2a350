/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/filtercode.h"

#include <stdlib.h>

/* A jump reaches 255 ahead; two more instructions may come between a label and its jump. */
#define REACH 252

static uint32_t answer_value(enum filter_action action)
{
	switch (action) {
	case FILTER_ALLOW:
		return SECCOMP_RET_ALLOW;
	case FILTER_KILL:
		return SECCOMP_RET_KILL_PROCESS;
	case FILTER_ENOSYS:
		return SECCOMP_RET_ERRNO | 38;
	case FILTER_EPERM:
		return SECCOMP_RET_ERRNO | 1;
	case FILTER_EACCES:
		return SECCOMP_RET_ERRNO | 13;
	case FILTER_EAFNOSUPPORT:
		return SECCOMP_RET_ERRNO | 97;
	case FILTER_IGNORE:
		return SECCOMP_RET_ERRNO | 0;
	}
	abort();
}

static size_t put(struct filtercode *code, unsigned operation, size_t jt, size_t jf, uint32_t k)
{
	struct filter_program *program = code->program;

	if (program->first == 0) {
		program->overflowed = true;
		return 0;
	}
	program->code[--program->first] = (struct sock_filter){
		(unsigned short)operation, (unsigned char)jt, (unsigned char)jf, k};
	return program->first;
}

static size_t distance(const struct filtercode *code, size_t place)
{
	return place - code->program->first;
}

/* A return of this action that a jump written now can reach. */
size_t filtercode_answer(struct filtercode *code, enum filter_action action)
{
	size_t *place = &code->answers[action];

	if (*place == BPF_MAXINSNS || distance(code, *place) > REACH)
		*place = put(code, BPF_RET | BPF_K, 0, 0, answer_value(action));
	return *place;
}

/* place, or a jump to it that can be reached. */
static size_t reach(struct filtercode *code, size_t place)
{
	const struct sock_filter *target = &code->program->code[place];

	if (distance(code, place) <= REACH)
		return place;
	if (target->code == (BPF_RET | BPF_K))
		return put(code, BPF_RET | BPF_K, 0, 0, target->k);
	return put(code, BPF_JMP | BPF_JA, 0, 0, (uint32_t)distance(code, place));
}

size_t filtercode_load(struct filtercode *code, uint32_t offset)
{
	return put(code, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
}

size_t filtercode_jump(struct filtercode *code, unsigned comparison, uint32_t k, size_t yes,
		       size_t no)
{
	yes = reach(code, yes);
	no = reach(code, no);
	return put(code, BPF_JMP | comparison | BPF_K, distance(code, yes), distance(code, no), k);
}

/* The 64 bits of arg compared with value: strictly greater, or at least, as low says. */
static size_t test_order(struct filtercode *code, unsigned arg, unsigned low, uint64_t value,
			 size_t yes, size_t no)
{
	uint32_t high = (uint32_t)(value >> 32);
	size_t next;

	filtercode_jump(code, low, (uint32_t)value, yes, no);
	next = filtercode_load(code, FILTERCODE_LOW(arg));
	next = filtercode_jump(code, BPF_JEQ, high, next, no);
	filtercode_jump(code, BPF_JGT, high, yes, next);
	return filtercode_load(code, FILTERCODE_HIGH(arg));
}

/* One half of a masked comparison: (word & mask) == value. */
static size_t test_word(struct filtercode *code, uint32_t offset, uint32_t mask, uint32_t value,
			size_t yes, size_t no)
{
	if (mask == 0)
		return yes;
	if (value == 0) {
		filtercode_jump(code, BPF_JSET, mask, no, yes);
	} else if (value == mask && (mask & (mask - 1)) == 0) {
		filtercode_jump(code, BPF_JSET, mask, yes, no);
	} else {
		filtercode_jump(code, BPF_JEQ, value, yes, no);
		if (mask != UINT32_MAX)
			put(code, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
	}
	return filtercode_load(code, offset);
}

static size_t test_masked(struct filtercode *code, unsigned arg, uint64_t mask, uint64_t value,
			  size_t yes, size_t no)
{
	yes = test_word(code, FILTERCODE_LOW(arg), (uint32_t)mask, (uint32_t)value, yes, no);
	return test_word(code, FILTERCODE_HIGH(arg), (uint32_t)(mask >> 32),
			 (uint32_t)(value >> 32), yes, no);
}

size_t filtercode_test(struct filtercode *code, const struct scmp_arg_cmp *condition, size_t yes,
		       size_t no)
{
	unsigned arg = condition->arg;
	uint64_t value = condition->datum_a;

	switch (condition->op) {
	case SCMP_CMP_EQ:
		return test_masked(code, arg, UINT64_MAX, value, yes, no);
	case SCMP_CMP_NE:
		return test_masked(code, arg, UINT64_MAX, value, no, yes);
	case SCMP_CMP_GT:
		return test_order(code, arg, BPF_JGT, value, yes, no);
	case SCMP_CMP_GE:
		return test_order(code, arg, BPF_JGE, value, yes, no);
	case SCMP_CMP_LE:
		return test_order(code, arg, BPF_JGT, value, no, yes);
	case SCMP_CMP_LT:
		return test_order(code, arg, BPF_JGE, value, no, yes);
	case SCMP_CMP_MASKED_EQ:
		return test_masked(code, arg, value, condition->datum_b, yes, no);
	case _SCMP_CMP_MIN:
	case _SCMP_CMP_MAX:
		break;
	}
	abort();
}
