/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_CGROUP_CLAUSE_H
#define LAUNCH_CGROUP_CLAUSE_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/*
 * What became of one resource clause of the policy: which kernel mechanism holds it, what was
 * asked, what the kernel says is in force, and every file that was read back to know.
 */
enum cgroup_clause_id {
	CGROUP_CLAUSE_MEMORY,
	CGROUP_CLAUSE_CPU,
	CGROUP_CLAUSE_PIDS,
	CGROUP_CLAUSE_COUNT
};

#define CGROUP_VALUE_SIZE  64
#define CGROUP_FACT_MAX	   6
#define CGROUP_REASON_SIZE 384

struct cgroup_fact {
	char name[48];
	char value[CGROUP_VALUE_SIZE];
};

struct cgroup_clause {
	bool enforced;
	char mechanism[64];
	char requested[CGROUP_VALUE_SIZE];
	char effective[CGROUP_VALUE_SIZE];
	char reason[CGROUP_REASON_SIZE]; /* why it is not enforced, or enforced tighter than asked;
					    else "" */
	struct cgroup_fact facts[CGROUP_FACT_MAX];
	size_t fact_count;
};

/* "resources.memory.max", "resources.cpu.max", "resources.pids.max". */
const char *cgroup_clause_name(enum cgroup_clause_id id);

/* Keep what the kernel answered; a value read again replaces the older one. */
void cgroup_clause_fact(struct cgroup_clause *clause, const char *name, const char *value);

/* What the kernel answered for name; "" when it was not asked. */
const char *cgroup_clause_answer(const struct cgroup_clause *clause, const char *name);

void cgroup_clause_effective(struct cgroup_clause *clause, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void cgroup_clause_reason(struct cgroup_clause *clause, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * A new {"clause","effective","enforced","evidence","mechanism","requested"} and "reason" when
 * there is one; decimal values are integers, all others strings. The caller owns it.
 */
struct json_object *cgroup_clause_to_json(const struct cgroup_clause *clause,
					  enum cgroup_clause_id id);

#endif
