/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/cgroup_clause.h"

#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/launch/cgroup_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *cgroup_clause_name(enum cgroup_clause_id id)
{
	switch (id) {
	case CGROUP_CLAUSE_MEMORY:
		return "resources.memory.max";
	case CGROUP_CLAUSE_CPU:
		return "resources.cpu.max";
	case CGROUP_CLAUSE_PIDS:
		return "resources.pids.max";
	case CGROUP_CLAUSE_COUNT:
		break;
	}
	return "";
}

void cgroup_clause_fact(struct cgroup_clause *clause, const char *name, const char *value)
{
	struct cgroup_fact *fact = clause->facts;
	const struct cgroup_fact *end = clause->facts + clause->fact_count;
	while (fact < end && strcmp(fact->name, name) != 0)
		fact++;
	if (fact == end) {
		if (clause->fact_count == CGROUP_FACT_MAX)
			return;
		clause->fact_count++;
	}
	(void)snprintf(fact->name, sizeof(fact->name), "%s", name);
	(void)snprintf(fact->value, sizeof(fact->value), "%s", value);
}

const char *cgroup_clause_answer(const struct cgroup_clause *clause, const char *name)
{
	for (size_t i = 0; i < clause->fact_count; i++) {
		if (strcmp(clause->facts[i].name, name) == 0)
			return clause->facts[i].value;
	}
	return "";
}

void cgroup_clause_effective(struct cgroup_clause *clause, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	(void)vsnprintf(clause->effective, sizeof(clause->effective), format, args);
	va_end(args);
}

void cgroup_clause_reason(struct cgroup_clause *clause, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	(void)vsnprintf(clause->reason, sizeof(clause->reason), format, args);
	va_end(args);
}

static void add_value(struct json_object *object, const char *name, const char *text)
{
	uint64_t number = 0;
	if (cgroup_number_parse(text, NULL, &number) && number <= CANON_INTEGER_MAX)
		object_add_integer(object, name, (int64_t)number);
	else
		object_add_escaped(object, name, text, strlen(text));
}

struct json_object *cgroup_clause_to_json(const struct cgroup_clause *clause,
					  enum cgroup_clause_id id)
{
	struct json_object *evidence = object_new();
	for (size_t i = 0; i < clause->fact_count; i++)
		add_value(evidence, clause->facts[i].name, clause->facts[i].value);
	struct json_object *object = object_new();
	object_add_string(object, "clause", cgroup_clause_name(id));
	add_value(object, "effective", clause->effective);
	object_add_bool(object, "enforced", clause->enforced);
	object_add(object, "evidence", evidence);
	object_add_string(object, "mechanism", clause->mechanism);
	if (clause->reason[0] != '\0')
		object_add_string(object, "reason", clause->reason);
	add_value(object, "requested", clause->requested);
	return object;
}
