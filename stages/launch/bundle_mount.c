/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/bundle_plan.h"
#include "stages/launch/bundle_process.h"
#include "stages/launch/plan.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define CODE FAULT_RUN_LAUNCH

static enum fault_code read_mount(struct json_object *value, size_t index, struct plan *plan,
				  struct fault *fault)
{
	struct plan_mount *mount = &plan->mounts[index];
	char path[FAULT_PATH_SIZE];
	struct fields fields;
	enum fault_code code;

	field_path_index(path, sizeof path, "mountPlan", index);
	code = fields_open(&fields, value, path, CODE, fault);
	if (code == FAULT_NONE)
		code = fields_bool(&fields, "noexec", &mount->noexec, fault);
	if (code == FAULT_NONE)
		code = fields_bool(&fields, "read_only", &mount->read_only, fault);
	if (code == FAULT_NONE)
		code = bundle_path(&fields, "source", plan, &mount->source, fault);
	if (code == FAULT_NONE)
		code = bundle_path(&fields, "target", plan, &mount->target, fault);
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}

enum fault_code bundle_mounts_read(struct fields *top, struct json_object *policy,
				   struct plan *plan, struct fault *fault)
{
	struct json_object *list = NULL;
	enum fault_code code = fields_array(top, "mountPlan", PLAN_MOUNT_MAX, &list, fault);

	if (code == FAULT_NONE && !json_object_equal(list, bundle_member(policy, "mounts")))
		code = bundle_disagree("mountPlan", "mounts", fault);
	if (code != FAULT_NONE)
		return code;
	plan->mount_count = json_object_array_length(list);
	for (size_t i = 0; code == FAULT_NONE && i < plan->mount_count; i++)
		code = read_mount(json_object_array_get_idx(list, i), i, plan, fault);
	return code;
}

/* device and inode are decimal strings: they may pass 2^53. */
enum fault_code bundle_decimal(struct fields *fields, const char *name, uint64_t *out,
			       struct fault *fault)
{
	char path[FAULT_PATH_SIZE], again[24];
	const char *text = "";
	enum fault_code code = fields_string(fields, name, &text, fault);

	if (code != FAULT_NONE)
		return code;
	*out = 0;
	for (const char *digit = text; *digit >= '0' && *digit <= '9'; digit++)
		*out = *out * 10 + (uint64_t)(*digit - '0');
	/* Printing it again refuses signs, leading zeros, overflow and everything else at once. */
	(void)snprintf(again, sizeof again, "%" PRIu64, *out);
	if (strcmp(again, text) == 0)
		return FAULT_NONE;
	field_path_name(path, sizeof path, fields->path, name);
	return fault_set(fault, CODE, path, "must be a decimal number");
}

static enum fault_code read_fact(struct json_object *value, size_t index, struct plan *plan,
				 struct fault *fault)
{
	struct plan_mount *mount = &plan->mounts[index];
	struct fields fact;
	const char *type = "", *seen = "";
	char path[FAULT_PATH_SIZE];
	enum fault_code code;

	field_path_index(path, sizeof path, "processPlan.mountFacts", index);
	code = fields_open(&fact, value, path, CODE, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fact, "path", &seen, fault);
	/* Events name the source: it must be the place that is opened. */
	if (code == FAULT_NONE && strcmp(seen, mount->source) != 0)
		code = bundle_disagree(path, "mounts", fault);
	if (code == FAULT_NONE)
		code = fields_string(&fact, "type", &type, fault);
	if (code == FAULT_NONE)
		code = bundle_decimal(&fact, "device", &mount->identity.device, fault);
	if (code == FAULT_NONE)
		code = bundle_decimal(&fact, "inode", &mount->identity.inode, fault);
	if (code == FAULT_NONE)
		code = fields_close(&fact, fault);
	mount->identity.directory = strcmp(type, "directory") == 0;
	if (code == FAULT_NONE && !mount->identity.directory && strcmp(type, "file") != 0)
		code = fault_set(fault, CODE, path, "type must be directory or file");
	return code;
}

static enum fault_code read_facts(struct fields *process, struct plan *plan, struct fault *fault)
{
	struct json_object *list = NULL;
	enum fault_code code = fields_array(process, "mountFacts", PLAN_MOUNT_MAX, &list, fault);

	if (code == FAULT_NONE && json_object_array_length(list) != plan->mount_count)
		code = fault_set(fault, CODE, "processPlan.mountFacts",
				 "must have one entry for each of the %zu mounts",
				 plan->mount_count);
	for (size_t i = 0; code == FAULT_NONE && i < plan->mount_count; i++)
		code = read_fact(json_object_array_get_idx(list, i), i, plan, fault);
	return code;
}

static enum fault_code read_prefixes(struct fields *allowlist, const char *name, struct plan *plan,
				     struct plan_prefixes *prefixes, struct fault *fault)
{
	char path[FAULT_PATH_SIZE], item[FAULT_PATH_SIZE];
	struct json_object *list = NULL;
	enum fault_code code = fields_array(allowlist, name, PLAN_PREFIX_MAX, &list, fault);

	if (code != FAULT_NONE)
		return code;
	field_path_name(path, sizeof path, allowlist->path, name);
	prefixes->count = json_object_array_length(list);
	for (size_t i = 0; code == FAULT_NONE && i < prefixes->count; i++) {
		field_path_index(item, sizeof item, path, i);
		code = bundle_prefix(json_object_array_get_idx(list, i), item, plan,
				     &prefixes->paths[i], fault);
	}
	return code;
}

/* What the validation held the mounts against; they are held against it again (admit.c). */
static enum fault_code read_allowlist(struct fields *process, struct plan *plan,
				      struct fault *fault)
{
	struct fields allowlist;
	const char *origin = "";
	enum fault_code code = fields_enter(process, "mountAllowlist", &allowlist, fault);

	if (code == FAULT_NONE)
		code = read_prefixes(&allowlist, "guestAllowPrefixes", plan, &plan->guest_prefixes,
				     fault);
	if (code == FAULT_NONE)
		code = read_prefixes(&allowlist, "hostAllowPrefixes", plan, &plan->host_prefixes,
				     fault);
	if (code == FAULT_NONE)
		code = fields_string(&allowlist, "origin", &origin, fault);
	if (code == FAULT_NONE && strcmp(origin, "built-in") != 0 && strcmp(origin, "file") != 0)
		code = fault_set(fault, CODE, "processPlan.mountAllowlist.origin",
				 "must be built-in or file");
	return code == FAULT_NONE ? fields_close(&allowlist, fault) : code;
}

enum fault_code bundle_mount_facts_read(struct fields *process, struct plan *plan,
					struct fault *fault)
{
	enum fault_code code = read_facts(process, plan, fault);

	return code == FAULT_NONE ? read_allowlist(process, plan, fault) : code;
}
