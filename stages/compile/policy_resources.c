/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/canon.h"
#include "ipc/field.h"
#include "stages/compile/policy.h"
#include "stages/compile/policy_part.h"

#include <json-c/json.h>
#include <string.h>

#define MEMORY_MIN     ((int64_t)4 << 20)
#define DISK_MIN       ((int64_t)64 << 10)
#define PIDS_MAX       4194304 /* PID_MAX_LIMIT of a 64-bit kernel (proc_sys_kernel(5)) */
#define CPU_QUOTA_MIN  1000    /* microseconds; the kernel refuses less (cgroups(7)) */
#define CPU_PERIOD_MIN 1000
#define CPU_PERIOD_MAX 1000000

/* Digits from text up to the byte end; false when there are none, a leading zero, or too many. */
static bool parse_decimal(const char **text, char end, int64_t *out)
{
	const char *first = *text;
	int64_t value = 0;

	for (; **text >= '0' && **text <= '9'; (*text)++) {
		if (*text - first == 15)
			return false;
		value = value * 10 + (**text - '0');
	}
	if (*text == first || (*first == '0' && *text - first > 1) || **text != end)
		return false;
	*out = value;
	return true;
}

static bool parse_cpu(const char *text, struct policy *policy)
{
	if (strncmp(text, "max ", 4) == 0) {
		policy->cpu_quota_us = POLICY_UNLIMITED;
		text += 4;
	} else {
		if (!parse_decimal(&text, ' ', &policy->cpu_quota_us) ||
		    policy->cpu_quota_us < CPU_QUOTA_MIN)
			return false;
		text++;
	}
	return parse_decimal(&text, '\0', &policy->cpu_period_us) &&
	       policy->cpu_period_us >= CPU_PERIOD_MIN && policy->cpu_period_us <= CPU_PERIOD_MAX;
}

static enum fault_code read_cpu(struct fields *resources, struct policy *policy,
				struct fault *fault)
{
	struct fields cpu;
	enum fault_code code = fields_enter(resources, "cpu", &cpu, fault);

	if (code == FAULT_NONE)
		code = fields_string(&cpu, "max", &policy->cpu_max, fault);
	if (code == FAULT_NONE && !parse_cpu(policy->cpu_max, policy))
		return fault_set(fault, FAULT_COMPILE_MAPPING, "resources.cpu.max",
				 "\"%.64s\" is not \"<quota|max> <period>\" in microseconds, quota "
				 "at least %d, period %d to %d",
				 policy->cpu_max, CPU_QUOTA_MIN, CPU_PERIOD_MIN, CPU_PERIOD_MAX);
	return code != FAULT_NONE ? code : fields_close(&cpu, fault);
}

/* {"max":N}, or {"max":"max"} where a resource may be unlimited. */
static enum fault_code read_limit(struct fields *resources, const char *name, int64_t min,
				  int64_t max, bool may_be_unlimited, int64_t *out,
				  struct fault *fault)
{
	struct fields limit;
	struct json_object *value;
	enum fault_code code = fields_enter(resources, name, &limit, fault);

	if (code == FAULT_NONE)
		code = fields_any(&limit, "max", &value, fault);
	if (code != FAULT_NONE)
		return code;
	if (may_be_unlimited && json_object_is_type(value, json_type_string)) {
		*out = POLICY_UNLIMITED;
		code = fields_literal(&limit, "max", "max", fault);
	} else {
		code = fields_integer(&limit, "max", min, max, out, fault);
	}
	return code != FAULT_NONE ? code : fields_close(&limit, fault);
}

enum fault_code policy_read_resources(struct fields *top, struct policy *policy,
				      struct fault *fault)
{
	struct fields resources;
	enum fault_code code = fields_enter(top, "resources", &resources, fault);

	if (code == FAULT_NONE)
		code = read_cpu(&resources, policy, fault);
	if (code == FAULT_NONE)
		code = read_limit(&resources, "memory", MEMORY_MIN, CANON_INTEGER_MAX, true,
				  &policy->memory_max, fault);
	if (code == FAULT_NONE)
		code = read_limit(&resources, "pids", 1, PIDS_MAX, true, &policy->pids_max, fault);
	if (code == FAULT_NONE)
		code = read_limit(&resources, "disk", DISK_MIN, CANON_INTEGER_MAX, false,
				  &policy->disk_max, fault);
	if (code == FAULT_NONE)
		code = read_limit(&resources, "output", 0, CANON_INTEGER_MAX, false,
				  &policy->output_max, fault);
	return code != FAULT_NONE ? code : fields_close(&resources, fault);
}
