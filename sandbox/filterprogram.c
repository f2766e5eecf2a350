/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program is written backwards, from its last instruction to its first, because BPF jumps only
 * forwards: whatever an instruction jumps to is there already. A place is an index into code.
 */
#include "sandbox/filterprogram.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define X32_BIT	     0x40000000u /* __X32_SYSCALL_BIT */
#define NO_CALL	     0xffffffffu /* a tracer skipped the call; the kernel does not run it */
#define ACTION_COUNT (FILTER_IGNORE + 1)
/* A jump reaches 255 ahead; two more instructions may come between a label and its jump. */
#define REACH	  252
#define LOW(arg)  ((uint32_t)(offsetof(struct seccomp_data, args) + 8 * (arg)))
#define HIGH(arg) (LOW(arg) + 4)

#define CALLS_MAX 1024 /* numbers of system calls; the highest of Linux 6.18 is 469 */
/*
 * When a filter is installed the kernel runs it once for each of its calls, to remember which ones
 * it allows whatever their arguments (Linux 5.11): 20 microseconds, more than most calls of a stage
 * together. So the tree is balanced by how many numbers a range holds.
 */
#define CALLS_ASKED 470

/* Calls from first up to the next range's. */
struct range {
	uint32_t first;
	bool conditional; /* one call, and its arguments decide; else all get action */
	enum filter_action action;
};

struct ranges {
	struct range items[CALLS_MAX + 4];
	size_t count;
};

struct builder {
	struct filter_program *program;
	const struct filter_file *file;
	size_t answers[ACTION_COUNT]; /* where the last return of each is; BPF_MAXINSNS: nowhere */
};

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

static size_t put(struct builder *builder, unsigned code, size_t jt, size_t jf, uint32_t k)
{
	struct filter_program *program = builder->program;

	if (program->first == 0) {
		program->overflowed = true;
		return 0;
	}
	program->code[--program->first] =
		(struct sock_filter){(unsigned short)code, (unsigned char)jt, (unsigned char)jf, k};
	return program->first;
}

static size_t distance(const struct builder *builder, size_t place)
{
	return place - builder->program->first;
}

/* A return of this action that a jump written now can reach. */
static size_t answer(struct builder *builder, enum filter_action action)
{
	size_t *place = &builder->answers[action];

	if (*place == BPF_MAXINSNS || distance(builder, *place) > REACH)
		*place = put(builder, BPF_RET | BPF_K, 0, 0, answer_value(action));
	return *place;
}

/* place, or a jump to it that can be reached. */
static size_t reach(struct builder *builder, size_t place)
{
	const struct sock_filter *target = &builder->program->code[place];

	if (distance(builder, place) <= REACH)
		return place;
	if (target->code == (BPF_RET | BPF_K))
		return put(builder, BPF_RET | BPF_K, 0, 0, target->k);
	return put(builder, BPF_JMP | BPF_JA, 0, 0, (uint32_t)distance(builder, place));
}

static size_t load(struct builder *builder, uint32_t offset)
{
	return put(builder, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
}

static size_t jump(struct builder *builder, unsigned comparison, uint32_t k, size_t yes, size_t no)
{
	yes = reach(builder, yes);
	no = reach(builder, no);
	return put(builder, BPF_JMP | comparison | BPF_K, distance(builder, yes),
		   distance(builder, no), k);
}

/* The 64 bits of arg compared with value: strictly greater, or at least, as low says. */
static size_t test_order(struct builder *builder, unsigned arg, unsigned low, uint64_t value,
			 size_t yes, size_t no)
{
	uint32_t high = (uint32_t)(value >> 32);
	size_t next;

	jump(builder, low, (uint32_t)value, yes, no);
	next = load(builder, LOW(arg));
	next = jump(builder, BPF_JEQ, high, next, no);
	jump(builder, BPF_JGT, high, yes, next);
	return load(builder, HIGH(arg));
}

/* One half of a masked comparison: (word & mask) == value. */
static size_t test_word(struct builder *builder, uint32_t offset, uint32_t mask, uint32_t value,
			size_t yes, size_t no)
{
	if (mask == 0)
		return yes;
	if (value == 0) {
		jump(builder, BPF_JSET, mask, no, yes);
	} else if (value == mask && (mask & (mask - 1)) == 0) {
		jump(builder, BPF_JSET, mask, yes, no);
	} else {
		jump(builder, BPF_JEQ, value, yes, no);
		if (mask != UINT32_MAX)
			put(builder, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
	}
	return load(builder, offset);
}

static size_t test_masked(struct builder *builder, unsigned arg, uint64_t mask, uint64_t value,
			  size_t yes, size_t no)
{
	yes = test_word(builder, LOW(arg), (uint32_t)mask, (uint32_t)value, yes, no);
	return test_word(builder, HIGH(arg), (uint32_t)(mask >> 32), (uint32_t)(value >> 32), yes,
			 no);
}

static size_t test(struct builder *builder, const struct scmp_arg_cmp *condition, size_t yes,
		   size_t no)
{
	unsigned arg = condition->arg;
	uint64_t value = condition->datum_a;

	switch (condition->op) {
	case SCMP_CMP_EQ:
		return test_masked(builder, arg, UINT64_MAX, value, yes, no);
	case SCMP_CMP_NE:
		return test_masked(builder, arg, UINT64_MAX, value, no, yes);
	case SCMP_CMP_GT:
		return test_order(builder, arg, BPF_JGT, value, yes, no);
	case SCMP_CMP_GE:
		return test_order(builder, arg, BPF_JGE, value, yes, no);
	case SCMP_CMP_LE:
		return test_order(builder, arg, BPF_JGT, value, no, yes);
	case SCMP_CMP_LT:
		return test_order(builder, arg, BPF_JGE, value, no, yes);
	case SCMP_CMP_MASKED_EQ:
		return test_masked(builder, arg, value, condition->datum_b, yes, no);
	case _SCMP_CMP_MIN:
	case _SCMP_CMP_MAX:
		break;
	}
	abort();
}

/*
 * Whether the rule is a plain number, (word & mask) == value with all bits of the low word: many
 * such rules for one call load the argument once.
 */
static bool is_number(const struct filter_rule *rule)
{
	const struct scmp_arg_cmp *condition = &rule->conditions[0];

	return rule->condition_count == 1 &&
	       (condition->op == SCMP_CMP_EQ ||
		(condition->op == SCMP_CMP_MASKED_EQ && condition->datum_a == UINT32_MAX));
}

static uint64_t number_of(const struct filter_rule *rule)
{
	const struct scmp_arg_cmp *condition = &rule->conditions[0];

	return condition->op == SCMP_CMP_EQ ? condition->datum_a : condition->datum_b;
}

static bool same_group(const struct filter_rule *left, const struct filter_rule *right)
{
	return is_number(left) && is_number(right) &&
	       left->conditions[0].arg == right->conditions[0].arg &&
	       left->conditions[0].op == right->conditions[0].op &&
	       number_of(left) >> 32 == number_of(right) >> 32;
}

static size_t test_numbers(struct builder *builder, const struct filter_rule *const *rules,
			   size_t count, size_t no)
{
	const struct scmp_arg_cmp *condition = &rules[0]->conditions[0];
	size_t next = no;

	for (size_t i = count; i-- > 0;)
		next = jump(builder, BPF_JEQ, (uint32_t)number_of(rules[i]),
			    answer(builder, rules[i]->action), next);
	next = load(builder, LOW(condition->arg));
	if (condition->op == SCMP_CMP_MASKED_EQ)
		return next;
	jump(builder, BPF_JEQ, (uint32_t)(number_of(rules[0]) >> 32), next, no);
	return load(builder, HIGH(condition->arg));
}

static size_t test_rule(struct builder *builder, const struct filter_rule *rule, size_t no)
{
	size_t next = answer(builder, rule->action);

	for (unsigned i = rule->condition_count; i-- > 0;)
		next = test(builder, &rule->conditions[i], next, no);
	return next;
}

/* The rules of one call, those that allow first: any line that allows is enough. */
static size_t collect(const struct filter_file *file, int number, const struct filter_rule **rules)
{
	size_t count = 0;

	for (int allows = 1; allows >= 0; allows--)
		for (size_t i = 0; i < file->rule_count; i++)
			if (file->rules[i].number == number &&
			    (file->rules[i].action == FILTER_ALLOW) == allows)
				rules[count++] = &file->rules[i];
	return count;
}

static size_t build_call(struct builder *builder, int number)
{
	const struct filter_rule *rules[FILTER_RULES_MAX];
	size_t end = collect(builder->file, number, rules);
	size_t next = answer(builder, builder->file->fallback);

	while (end > 0) {
		size_t start = end - 1;

		while (start > 0 && same_group(rules[start - 1], rules[end - 1]))
			start--;
		next = is_number(rules[start])
			       ? test_numbers(builder, rules + start, end - start, next)
			       : test_rule(builder, rules[start], next);
		end = start;
	}
	return next;
}

/* What a call gets whatever its arguments are, or conditional. */
static struct range range_of(const struct filter_file *file, int number)
{
	struct range range = {.first = (uint32_t)number, .action = file->fallback};

	for (size_t i = 0; i < file->rule_count; i++) {
		if (file->rules[i].number != number)
			continue;
		range.conditional = file->rules[i].condition_count > 0;
		range.action = file->rules[i].action;
		if (!range.conditional)
			break;
	}
	return range;
}

static void add_range(struct ranges *ranges, struct range range)
{
	const struct range *last = &ranges->items[ranges->count - 1];

	if (ranges->count == 0 || range.conditional || last->conditional ||
	    last->action != range.action)
		ranges->items[ranges->count++] = range;
}

static void divide(const struct filter_file *file, struct ranges *ranges)
{
	struct range x32 = {.first = X32_BIT, .action = FILTER_KILL};
	struct range skipped = {.first = NO_CALL, .action = file->fallback};

	ranges->count = 0;
	for (int number = 0; number <= CALLS_MAX; number++)
		add_range(ranges, range_of(file, number));
	add_range(ranges, x32);
	add_range(ranges, skipped);
	ranges->items[ranges->count].first = UINT32_MAX; /* the end of the last */
}

/* How many of the kernel's calls the ranges hold; those behind the last call hold none. */
static uint32_t weight(const struct range *ranges, size_t count)
{
	uint32_t end = ranges[count].first < CALLS_ASKED ? ranges[count].first : CALLS_ASKED;

	return end > ranges[0].first ? end - ranges[0].first : 0;
}

/* Where the tree over these ranges divides: as near to half of the calls as it gets. */
static size_t divide_at(const struct range *ranges, size_t count)
{
	size_t half = 1;

	while (half + 1 < count && 2 * weight(ranges, half) < weight(ranges, count))
		half++;
	if (half > 1 &&
	    2 * weight(ranges, half - 1) + weight(ranges + half - 1, 1) > weight(ranges, count))
		half--;
	return half;
}

/*
 * The number is in the accumulator; a call's own part loads arguments only at the end.
 * ranges[count] is where the last one ends.
 */
static size_t build_tree(struct builder *builder, const struct range *ranges, size_t count)
{
	size_t half, low, high;

	if (count == 1)
		return ranges[0].conditional ? build_call(builder, (int)ranges[0].first)
					     : answer(builder, ranges[0].action);
	half = divide_at(ranges, count);
	high = build_tree(builder, ranges + half, count - half);
	low = build_tree(builder, ranges, half);
	return jump(builder, BPF_JGE, ranges[half].first, high, low);
}

static void build(struct builder *builder, const struct ranges *ranges)
{
	size_t kill, next = build_tree(builder, ranges->items, ranges->count);

	/* The tree's first instruction, which the load below must run into. */
	if (next != builder->program->first)
		put(builder, BPF_JMP | BPF_JA, 0, 0, (uint32_t)distance(builder, next));
	next = load(builder, offsetof(struct seccomp_data, nr));
	kill = answer(builder, FILTER_KILL);
	jump(builder, BPF_JEQ, seccomp_arch_native(), next, kill);
	(void)load(builder, offsetof(struct seccomp_data, arch));
}

static bool numbers_fit(const struct filter_file *file)
{
	for (size_t i = 0; i < file->rule_count; i++)
		if (file->rules[i].number >= CALLS_MAX)
			return false;
	return true;
}

bool filter_program_build(struct filter_program *program, const struct filter_file *file)
{
	struct builder builder = {.program = program, .file = file};
	struct ranges ranges;

	_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "LOW and HIGH");
	for (size_t i = 0; i < ACTION_COUNT; i++)
		builder.answers[i] = BPF_MAXINSNS;
	program->first = BPF_MAXINSNS;
	program->overflowed = !numbers_fit(file);
	if (program->overflowed)
		return false;
	divide(file, &ranges);
	build(&builder, &ranges);
	return !program->overflowed;
}
