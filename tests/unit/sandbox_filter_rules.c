/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every filter of the tree: what its program answers is what its lines say, read one after the
 * other without any tree or range. Every number is asked, and each call whose arguments decide many
 * times over, with the values its conditions name and their neighbours.
 */
#include "sandbox/filterprogram.h"
#include "tests/support/bpf.h"

#include <criterion/criterion.h>
#include <linux/audit.h>
#include <stdlib.h>

#define NUMBERS	   2000 /* more calls than there are */
#define QUESTIONS  4000 /* for each call whose arguments decide */
#define VALUES_MAX 512

static const char *const filters[] = {
	"sandbox/filters/validate.filter",	"sandbox/filters/compile.filter",
	"sandbox/filters/launch.filter",	"sandbox/filters/launch-parent.filter",
	"sandbox/filters/launch-init.filter",	"sandbox/filters/monitor.filter",
	"sandbox/filters/seal.filter",		"sandbox/filters/verify.filter",
	"sandbox/filters/canon.filter",		"policies/seccomp/strict.filter",
	"policies/seccomp/strict-la57.filter",	"policies/seccomp/standard.filter",
	"policies/seccomp/standard-net.filter", "tests/vectors/filter/accept/rules.filter",
};

static bool holds(const struct scmp_arg_cmp *condition, uint64_t value)
{
	switch (condition->op) {
	case SCMP_CMP_NE:
		return value != condition->datum_a;
	case SCMP_CMP_LT:
		return value < condition->datum_a;
	case SCMP_CMP_LE:
		return value <= condition->datum_a;
	case SCMP_CMP_EQ:
		return value == condition->datum_a;
	case SCMP_CMP_GE:
		return value >= condition->datum_a;
	case SCMP_CMP_GT:
		return value > condition->datum_a;
	case SCMP_CMP_MASKED_EQ:
		return (value & condition->datum_a) == condition->datum_b;
	case _SCMP_CMP_MIN:
	case _SCMP_CMP_MAX:
		break;
	}
	abort();
}

static bool fits(const struct filter_rule *rule, const struct seccomp_data *data)
{
	if (rule->number != data->nr)
		return false;
	for (unsigned i = 0; i < rule->condition_count; i++)
		if (!holds(&rule->conditions[i], data->args[rule->conditions[i].arg]))
			return false;
	return true;
}

static uint32_t value_of(enum filter_action action)
{
	static const uint32_t values[] = {
		[FILTER_ALLOW] = SECCOMP_RET_ALLOW,
		[FILTER_KILL] = SECCOMP_RET_KILL_PROCESS,
		[FILTER_ENOSYS] = SECCOMP_RET_ERRNO | 38,
		[FILTER_EPERM] = SECCOMP_RET_ERRNO | 1,
		[FILTER_EACCES] = SECCOMP_RET_ERRNO | 13,
		[FILTER_EAFNOSUPPORT] = SECCOMP_RET_ERRNO | 97,
		[FILTER_IGNORE] = SECCOMP_RET_ERRNO,
	};

	return values[action];
}

/* The grammar's own words (sandbox/filtergen.c). */
static uint32_t expected(const struct filter_file *file, const struct seccomp_data *data)
{
	if (data->arch != AUDIT_ARCH_X86_64 || (data->nr >= 0x40000000 || data->nr < -1))
		return SECCOMP_RET_KILL_PROCESS;
	for (size_t i = 0; i < file->rule_count; i++)
		if (file->rules[i].action == FILTER_ALLOW && fits(&file->rules[i], data))
			return SECCOMP_RET_ALLOW;
	for (size_t i = 0; i < file->rule_count; i++)
		if (fits(&file->rules[i], data))
			return value_of(file->rules[i].action);
	return value_of(file->fallback);
}

static void ask(const char *path, const struct filter_file *file,
		const struct filter_program *program, const struct seccomp_data *data)
{
	uint32_t answer =
		bpf_run(program->code + program->first, BPF_MAXINSNS - program->first, data);
	uint32_t due = expected(file, data);

	cr_assert_eq(answer, due, "%s: call %d (%llx, %llx, %llx, %llx) arch %x: %x, not %x", path,
		     data->nr, data->args[0], data->args[1], data->args[2], data->args[3],
		     data->arch, answer, due);
}

/* A fixed sequence (xorshift64), so that a failure can be seen again. */
static uint64_t next_number(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static size_t values_of(const struct filter_file *file, int number, uint64_t *values)
{
	size_t count = 0;

	values[count++] = 0;
	values[count++] = UINT64_MAX;
	for (size_t i = 0; i < file->rule_count; i++) {
		const struct filter_rule *rule = &file->rules[i];

		for (unsigned k = 0; rule->number == number && k < rule->condition_count; k++) {
			cr_assert_lt(count + 2, (size_t)VALUES_MAX);
			values[count++] = rule->conditions[k].datum_a;
			values[count++] = rule->conditions[k].datum_b;
		}
	}
	return count;
}

/* A value a condition names, next to it, with another's bits, or with bits above 32. */
static uint64_t pick(const uint64_t *values, size_t count, uint64_t *state)
{
	uint64_t value = values[next_number(state) % count];

	switch (next_number(state) % 6) {
	case 0:
		return value + 1;
	case 1:
		return value - 1;
	case 2:
		return value | values[next_number(state) % count];
	case 3:
		return value | (next_number(state) & 1 ? UINT64_C(1) << 32 : UINT64_MAX << 32);
	default:
		return value;
	}
}

static void ask_arguments(const char *path, const struct filter_file *file,
			  const struct filter_program *program, int number)
{
	uint64_t values[VALUES_MAX], state = 88172645463325252u;
	size_t count = values_of(file, number, values);
	struct seccomp_data data = {.nr = number, .arch = AUDIT_ARCH_X86_64};

	for (size_t i = 0; i < (count > 2 ? QUESTIONS : 2); i++) {
		for (size_t k = 0; k < FILTER_ARGUMENTS; k++)
			data.args[k] = pick(values, count, &state);
		ask(path, file, program, &data);
	}
	data.arch = AUDIT_ARCH_I386;
	ask(path, file, program, &data);
}

static void try_filter(const char *path)
{
	static struct filter_file file;
	static struct filter_program program;
	static const int odd[] = {-1, -2, 0x3fffffff, 0x40000000, 0x40000001, 0x7fffffff};

	cr_assert(filter_file_read(&file, path), "%s", file.error);
	cr_assert(filter_program_build(&program, &file), "%s", path);
	for (int number = 0; number < NUMBERS; number++)
		ask_arguments(path, &file, &program, number);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		ask_arguments(path, &file, &program, odd[i]);
}

Test(filtergen, programs_say_what_their_lines_say)
{
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		try_filter(filters[i]);
}
