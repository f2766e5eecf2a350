/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/filterprogram.h"

#include <linux/audit.h>
#include <stddef.h>

#define X32_BIT	  0x40000000u /* __X32_SYSCALL_BIT */
#define NO_CALL	  0xffffffffu /* a tracer skipped the call; the kernel does not run it */
#define CALLS_MAX 1024	      /* numbers of system calls; the highest of Linux 6.18 is 469 */
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

static size_t test_numbers(struct filtercode *code, const struct filter_rule *const *rules,
			   size_t count, size_t no)
{
	const struct scmp_arg_cmp *condition = &rules[0]->conditions[0];
	size_t next = no;

	for (size_t i = count; i-- > 0;)
		next = filtercode_jump(code, BPF_JEQ, (uint32_t)number_of(rules[i]),
				       filtercode_answer(code, rules[i]->action), next);
	next = filtercode_load(code, FILTERCODE_LOW(condition->arg));
	if (condition->op == SCMP_CMP_MASKED_EQ)
		return next;
	filtercode_jump(code, BPF_JEQ, (uint32_t)(number_of(rules[0]) >> 32), next, no);
	return filtercode_load(code, FILTERCODE_HIGH(condition->arg));
}

static size_t test_rule(struct filtercode *code, const struct filter_rule *rule, size_t no)
{
	size_t next = filtercode_answer(code, rule->action);

	for (unsigned i = rule->condition_count; i-- > 0;)
		next = filtercode_test(code, &rule->conditions[i], next, no);
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

static size_t build_call(struct filtercode *code, int number)
{
	const struct filter_rule *rules[FILTER_RULES_MAX];
	size_t end = collect(code->file, number, rules);
	size_t next = filtercode_answer(code, code->file->fallback);

	while (end > 0) {
		size_t start = end - 1;

		while (start > 0 && same_group(rules[start - 1], rules[end - 1]))
			start--;
		next = is_number(rules[start])
			       ? test_numbers(code, rules + start, end - start, next)
			       : test_rule(code, rules[start], next);
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
	const struct range *last = ranges->count > 0 ? &ranges->items[ranges->count - 1] : NULL;

	if (last == NULL || range.conditional || last->conditional || last->action != range.action)
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
static size_t build_tree(struct filtercode *code, const struct range *ranges, size_t count)
{
	size_t half, low, high;

	if (count == 1)
		return ranges[0].conditional ? build_call(code, (int)ranges[0].first)
					     : filtercode_answer(code, ranges[0].action);
	half = divide_at(ranges, count);
	high = build_tree(code, ranges + half, count - half);
	low = build_tree(code, ranges, half);
	return filtercode_jump(code, BPF_JGE, ranges[half].first, high, low);
}

static void build(struct filtercode *code, const struct ranges *ranges)
{
	size_t kill, next = build_tree(code, ranges->items, ranges->count);

	next = filtercode_load(code, offsetof(struct seccomp_data, nr));
	kill = filtercode_answer(code, FILTER_KILL);
	filtercode_jump(code, BPF_JEQ, seccomp_arch_native(), next, kill);
	(void)filtercode_load(code, offsetof(struct seccomp_data, arch));
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
	struct filtercode code = {.program = program, .file = file};
	struct ranges ranges;

	_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "LOW and HIGH");
	for (size_t i = 0; i < FILTERCODE_ACTIONS; i++)
		code.answers[i] = BPF_MAXINSNS;
	program->first = BPF_MAXINSNS;
	program->overflowed = !numbers_fit(file);
	if (program->overflowed)
		return false;
	divide(file, &ranges);
	build(&code, &ranges);
	return !program->overflowed;
}
