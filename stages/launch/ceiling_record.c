/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/canon.h"
#include "ipc/field.h"
#include "stages/launch/bundle_plan.h"
#include "stages/launch/ceiling.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.host"

/* null or absent is not the same: a record has every member. */
static enum fault_code read_limit(struct fields *fields, const char *name, uint64_t *limit,
				  struct fault *fault)
{
	int64_t number = 0;
	enum fault_code code;

	*limit = CEILING_NONE;
	if (fields_null(fields, name))
		return FAULT_NONE;
	code = fields_integer(fields, name, 0, CANON_INTEGER_MAX, &number, fault);
	*limit = (uint64_t)number;
	return code;
}

static enum fault_code read_cpu(struct fields *fields, struct ceiling_limits *limits,
				struct fault *fault)
{
	const char *text = NULL;
	int end = 0;
	enum fault_code code;

	limits->cpu_quota_us = CEILING_NONE;
	if (fields_null(fields, "cpu"))
		return FAULT_NONE;
	code = fields_string(fields, "cpu", &text, fault);
	if (code == FAULT_NONE && (sscanf(text, "%16lu %16lu%n", &limits->cpu_quota_us,
					  &limits->cpu_period_us, &end) != 2 ||
				   text[end] != '\0' || limits->cpu_period_us == 0))
		return fault_set(fault, CODE, PATH ".resources.cpu", "must be quota and period");
	return code;
}

static enum fault_code read_resources(struct fields *policy, struct ceiling_limits *limits,
				      struct fault *fault)
{
	struct fields resources;
	enum fault_code code = fields_enter(policy, "resources", &resources, fault);

	if (code == FAULT_NONE)
		code = read_cpu(&resources, limits, fault);
	if (code == FAULT_NONE)
		code = read_limit(&resources, "disk", &limits->disk, fault);
	if (code == FAULT_NONE)
		code = read_limit(&resources, "memory", &limits->memory, fault);
	if (code == FAULT_NONE)
		code = read_limit(&resources, "output", &limits->output, fault);
	if (code == FAULT_NONE)
		code = read_limit(&resources, "pids", &limits->pids, fault);
	return code == FAULT_NONE ? fields_close(&resources, fault) : code;
}

static enum fault_code read_ids(struct fields *callers, const char *name, struct ceiling_ids *ids,
				struct fault *fault)
{
	struct json_object *list = NULL;
	enum fault_code code = fields_array(callers, name, CEILING_IDS_MAX, &list, fault);

	ids->count = code == FAULT_NONE ? json_object_array_length(list) : 0;
	for (size_t i = 0; code == FAULT_NONE && i < ids->count; i++) {
		struct fields range;
		int64_t first = 0, last = 0;

		code = fields_open(&range, json_object_array_get_idx(list, i), PATH ".callers",
				   CODE, fault);
		if (code == FAULT_NONE)
			code = fields_integer(&range, "first", 0, UINT32_MAX, &first, fault);
		if (code == FAULT_NONE)
			code = fields_integer(&range, "last", first, UINT32_MAX, &last, fault);
		if (code == FAULT_NONE)
			code = fields_close(&range, fault);
		ids->items[i].first = (uint64_t)first;
		ids->items[i].last = (uint64_t)last;
	}
	return code;
}

static enum fault_code read_callers(struct fields *policy, struct ceiling_limits *limits,
				    struct fault *fault)
{
	struct fields callers;
	enum fault_code code;

	if (fields_null(policy, "callers"))
		return FAULT_NONE;
	limits->callers_set = true;
	code = fields_enter(policy, "callers", &callers, fault);
	if (code == FAULT_NONE)
		code = read_ids(&callers, "gids", &limits->gids, fault);
	if (code == FAULT_NONE)
		code = read_ids(&callers, "uids", &limits->uids, fault);
	return code == FAULT_NONE ? fields_close(&callers, fault) : code;
}

/* A list of names into bits; null is all of them. */
static enum fault_code read_names(struct fields *policy, const char *name,
				  const char *const names[], unsigned count, unsigned *bits,
				  struct fault *fault)
{
	struct json_object *list = NULL;
	enum fault_code code;

	*bits = (1U << count) - 1;
	if (fields_null(policy, name))
		return FAULT_NONE;
	*bits = 0;
	code = fields_array(policy, name, count, &list, fault);
	for (size_t i = 0; code == FAULT_NONE && i < json_object_array_length(list); i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(list, i));
		unsigned known = 0;

		while (known < count && (text == NULL || strcmp(text, names[known]) != 0))
			known++;
		if (known == count)
			return fault_set(fault, CODE, PATH, "%s has a name nobody knows", name);
		*bits |= 1U << known;
	}
	return code;
}

static enum fault_code read_prefixes(struct fields *mounts, const char *name, bool *set,
				     struct plan_prefixes *prefixes, struct fault *fault)
{
	struct json_object *list = NULL;
	enum fault_code code;

	if (fields_null(mounts, name))
		return FAULT_NONE;
	*set = true;
	code = fields_array(mounts, name, PLAN_PREFIX_MAX, &list, fault);
	prefixes->count = code == FAULT_NONE ? json_object_array_length(list) : 0;
	for (size_t i = 0; code == FAULT_NONE && i < prefixes->count; i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(list, i));

		if (text == NULL || (strcmp(text, "/") != 0 && !bundle_path_valid(text)))
			return fault_set(fault, CODE, PATH ".mounts", "%s must be clean paths",
					 name);
		prefixes->paths[i] = text;
	}
	return code;
}

static enum fault_code read_mounts(struct fields *policy, struct ceiling_limits *limits,
				   struct fault *fault)
{
	struct fields mounts;
	enum fault_code code = fields_enter(policy, "mounts", &mounts, fault);

	if (code == FAULT_NONE)
		code = read_prefixes(&mounts, "guestAllowPrefixes", &limits->guest_set,
				     &limits->guest, fault);
	if (code == FAULT_NONE)
		code = read_prefixes(&mounts, "hostAllowPrefixes", &limits->host_set, &limits->host,
				     fault);
	return code == FAULT_NONE ? fields_close(&mounts, fault) : code;
}

static enum fault_code read_kinds(struct fields *policy, struct ceiling_limits *limits,
				  struct fault *fault)
{
	static const char *const isolations[CEILING_ISOLATION_COUNT] = {"process", "microvm"};
	static const char *const kinds[CEILING_ROOTFS_COUNT] = {"directory", "image", "oci"};
	static const char *const modes[CEILING_NETWORK_COUNT] = {"none", "allowlist"};
	enum fault_code code = read_names(policy, "isolation", isolations, CEILING_ISOLATION_COUNT,
					  &limits->isolations, fault);

	if (code == FAULT_NONE)
		code = read_names(policy, "networkModes", modes, CEILING_NETWORK_COUNT,
				  &limits->networks, fault);
	if (code == FAULT_NONE)
		code = read_names(policy, "rootfsKinds", kinds, CEILING_ROOTFS_COUNT,
				  &limits->rootfs_kinds, fault);
	if (code == FAULT_NONE)
		code = read_prefixes(policy, "rootfsPrefixes", &limits->rootfs_set, &limits->rootfs,
				     fault);
	return code;
}

enum fault_code ceiling_parse(struct json_object *record, struct ceiling_limits *limits,
			      struct fault *fault)
{
	struct json_object *errors;
	struct fields top, policy;
	enum fault_code code = fields_open(&top, record, PATH, CODE, fault);

	*limits = (struct ceiling_limits){0};
	if (code == FAULT_NONE)
		code = fields_array(&top, "errors", 0, &errors, fault);
	if (code == FAULT_NONE)
		code = fields_literal(&top, "schemaVersion", "safe-run.host/v1", fault);
	if (code == FAULT_NONE)
		code = fields_enter(&top, "hostPolicy", &policy, fault);
	if (code == FAULT_NONE)
		code = read_callers(&policy, limits, fault);
	if (code == FAULT_NONE)
		code = read_kinds(&policy, limits, fault);
	if (code == FAULT_NONE)
		code = read_mounts(&policy, limits, fault);
	if (code == FAULT_NONE)
		code = read_resources(&policy, limits, fault);
	if (code == FAULT_NONE)
		code = read_limit(&policy, "timeoutSec", &limits->timeout_s, fault);
	if (code == FAULT_NONE)
		code = fields_close(&policy, fault);
	return code == FAULT_NONE ? fields_close(&top, fault) : code;
}
