/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/cgroup_v2.h"

#include <string.h>

unsigned cgroup_v2_controllers(const char *list)
{
	static const struct {
		const char *name;
		unsigned bit;
	} known[] = {
		{"cpu", CGROUP_V2_CPU},
		{"memory", CGROUP_V2_MEMORY},
		{"pids", CGROUP_V2_PIDS},
	};
	unsigned controllers = 0;
	while (*list != '\0') {
		size_t len = strcspn(list, " \n");
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
			if (strlen(known[i].name) == len && memcmp(list, known[i].name, len) == 0)
				controllers |= known[i].bit;
		}
		list += len;
		list += strspn(list, " \n");
	}
	return controllers;
}

enum cgroup_v2_spot cgroup_v2_choose(const struct cgroup_v2_level *own,
				     const struct cgroup_v2_level *parent, unsigned controllers)
{
	unsigned below = own->is_root ? own->available : own->given;
	if (own->visible && (controllers & ~below) == 0)
		return CGROUP_V2_BELOW;
	if (parent->visible && (controllers & ~parent->available) == 0)
		return CGROUP_V2_BESIDE;
	return CGROUP_V2_NOWHERE;
}

bool cgroup_v2_bandwidth_parse(const char *text, struct cgroup_bandwidth *bandwidth)
{
	struct cgroup_bandwidth found = {0, 0};
	bool unlimited = strncmp(text, "max ", strlen("max ")) == 0;
	const char *space = strchr(text, ' ');
	char quota[CGROUP_VALUE_SIZE];
	if (space == NULL || (size_t)(space - text) >= sizeof(quota))
		return false;
	memcpy(quota, text, (size_t)(space - text));
	quota[space - text] = '\0';
	if (!unlimited && !cgroup_number_parse(quota, NULL, &found.quota_us))
		return false;
	if (!cgroup_number_parse(space + 1, NULL, &found.period_us))
		return false;
	*bandwidth = found;
	return true;
}

/* Whether own, a limit that may be 0 for none, is lower than the one asked. */
static bool is_tighter(uint64_t own, bool asked_set, uint64_t asked)
{
	return own != 0 && (!asked_set || own < asked);
}

struct cgroup_limits cgroup_v2_tighten(const struct cgroup_limits *limits,
				       const struct cgroup_v2_own_limits *own,
				       bool tightened[CGROUP_CLAUSE_COUNT])
{
	struct cgroup_limits result = *limits;
	struct cgroup_bandwidth asked = {limits->cpu_quota_us, limits->cpu_period_us};
	struct cgroup_bandwidth none = {0, 0};
	struct cgroup_bandwidth cpu =
		cgroup_bandwidth_min(limits->cpu_set ? asked : none, own->cpu);
	tightened[CGROUP_CLAUSE_MEMORY] =
		is_tighter(own->memory_max, limits->memory_set, limits->memory_max);
	tightened[CGROUP_CLAUSE_PIDS] =
		is_tighter(own->pids_max, limits->pids_set, limits->pids_max);
	tightened[CGROUP_CLAUSE_CPU] =
		cpu.quota_us != 0 && (!limits->cpu_set || cpu.quota_us != asked.quota_us ||
				      cpu.period_us != asked.period_us);
	if (tightened[CGROUP_CLAUSE_MEMORY]) {
		result.memory_set = true;
		result.memory_max = own->memory_max;
	}
	if (tightened[CGROUP_CLAUSE_PIDS]) {
		result.pids_set = true;
		result.pids_max = own->pids_max;
	}
	if (tightened[CGROUP_CLAUSE_CPU]) {
		result.cpu_set = true;
		result.cpu_quota_us = cpu.quota_us;
		result.cpu_period_us = cpu.period_us;
	}
	return result;
}
