/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/bundle.h"

#include "ipc/canon.h"
#include "ipc/event.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "stages/launch/bundle_plan.h"
#include "stages/launch/plan.h"

#include <json-c/json.h>
#include <string.h>

#define CODE FAULT_RUN_LAUNCH

/* Plans for a virtual machine: objects, or null where a policy was refused. */
static enum fault_code check_foreign(struct fields *top, const char *name, struct fault *fault)
{
	struct json_object *value;
	enum fault_code code = fields_any(top, name, &value, fault);

	if (code == FAULT_NONE && !json_object_is_type(value, json_type_object))
		code = fault_set(fault, CODE, name, "must be an object");
	return code;
}

static enum fault_code check_evidence(struct fields *top, struct json_object *policy,
				      struct fault *fault)
{
	struct fields plan, copy, audit;
	struct json_object *events;
	const char *level;
	const char *wanted;
	enum fault_code code = fields_enter(top, "evidencePlan", &plan, fault);

	if (code == FAULT_NONE)
		code = fields_array(&plan, "events", EVENT_PLANNED_COUNT, &events, fault);
	for (size_t i = 0; code == FAULT_NONE && i < EVENT_PLANNED_COUNT; i++) {
		struct json_object *name = json_object_array_get_idx(events, i);

		if (!json_object_is_type(name, json_type_string) ||
		    strcmp(json_object_get_string(name), event_type_name((enum event_type)i)) != 0)
			code = fault_set(
				fault, CODE, "evidencePlan.events",
				"must list every event type in its order; entry %zu is not \"%s\"",
				i, event_type_name((enum event_type)i));
	}
	if (code == FAULT_NONE)
		code = fields_string(&plan, "level", &level, fault);
	if (code == FAULT_NONE)
		code = fields_close(&plan, fault);
	if (code == FAULT_NONE)
		code = fields_open(&copy, policy, "policy", CODE, fault);
	if (code == FAULT_NONE)
		code = fields_enter(&copy, "audit", &audit, fault);
	if (code == FAULT_NONE)
		code = fields_string(&audit, "level", &wanted, fault);
	if (code == FAULT_NONE && strcmp(level, wanted) != 0)
		code = fault_set(fault, CODE, "evidencePlan.level",
				 "does not say what policy.audit.level says");
	return code;
}

static enum fault_code check_hash(struct fields *top, const char *name, struct json_object *value,
				  char out[DIGEST_TEXT_SIZE], struct fault *fault)
{
	const char *claimed;
	enum fault_code code = fields_string(top, name, &claimed, fault);

	if (code != FAULT_NONE)
		return code;
	if (!digest_json(value, out))
		return fault_set(fault, CODE, name, "what it covers has no canonical form");
	if (strcmp(claimed, out) != 0)
		return fault_set(fault, CODE, name, "is not the hash of what is in the bundle (%s)",
				 out);
	return FAULT_NONE;
}

/* policyHash and commandHash are what the report promises: computed here, from what will run. */
static enum fault_code check_hashes(struct fields *top, struct bundle *bundle, struct fault *fault)
{
	struct json_object *command OBJECT_CLEANUP = object_new();
	struct json_object *runtime = NULL, *args = NULL, *name = NULL;
	enum fault_code code =
		check_hash(top, "policyHash", bundle->policy, bundle->policy_hash, fault);

	if (code != FAULT_NONE)
		return code;
	if (!json_object_object_get_ex(bundle->policy, "runtime", &runtime) ||
	    !json_object_is_type(runtime, json_type_object) ||
	    !json_object_object_get_ex(runtime, "args", &args) ||
	    !json_object_object_get_ex(runtime, "command", &name))
		return fault_set(fault, CODE, "policy.runtime", "must have command and args");
	object_add_shared(command, "args", args);
	object_add_shared(command, "command", name);
	return check_hash(top, "commandHash", command, bundle->command_hash, fault);
}

static enum fault_code check_plans(struct fields *top, struct bundle *bundle, struct plan *plan,
				   struct fault *fault)
{
	enum fault_code code = check_hashes(top, bundle, fault);

	if (code == FAULT_NONE)
		code = bundle_plan_read(top, bundle->policy, plan, fault);
	if (code == FAULT_NONE)
		code = check_evidence(top, bundle->policy, fault);
	if (code == FAULT_NONE)
		code = check_foreign(top, "firecrackerConfig", fault);
	if (code == FAULT_NONE)
		code = check_foreign(top, "jailerPlan", fault);
	return code;
}

/* An earlier stage refused: its errors are records too, and go into evidence as they are. */
static enum fault_code check_errors(struct json_object *errors, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	for (size_t i = 0; code == FAULT_NONE && i < json_object_array_length(errors); i++) {
		struct fields item;
		const char *text;
		char path[FAULT_PATH_SIZE];

		field_path_index(path, sizeof path, "errors", i);
		code = fields_open(&item, json_object_array_get_idx(errors, i), path, CODE, fault);
		if (code == FAULT_NONE)
			code = fields_string(&item, "code", &text, fault);
		if (code == FAULT_NONE && fault_code_parse(text) == FAULT_NONE)
			code = fault_set(fault, CODE, path, "\"%.32s\" is no error code", text);
		if (code == FAULT_NONE)
			code = fields_string(&item, "message", &text, fault);
		if (code == FAULT_NONE)
			code = fields_string(&item, "path", &text, fault);
		if (code == FAULT_NONE)
			code = fields_close(&item, fault);
	}
	return code;
}

static enum fault_code read_refusal(struct fields *top, struct bundle *bundle,
				    struct json_object *errors, struct fault *fault)
{
	static const char *const others[] = {
		"cgroupPlan", "commandHash", "evidencePlan", "firecrackerConfig", "jailerPlan",
		"mountPlan",  "networkPlan", "policy",	     "policyHash",	  "processPlan"};
	enum fault_code code = check_errors(errors, fault);

	for (size_t i = 0; code == FAULT_NONE && i < sizeof others / sizeof others[0]; i++)
		if (!fields_null(top, others[i]))
			code = fault_set(fault, CODE, others[i],
					 "must be null in a bundle that carries errors");
	if (code == FAULT_NONE)
		code = fields_close(top, fault);
	if (code == FAULT_NONE)
		bundle->errors = errors;
	return code;
}

enum fault_code bundle_parse(const char *line, size_t len, struct bundle *bundle, struct plan *plan,
			     struct fault *fault)
{
	struct fields top;
	struct json_object *errors = NULL, *policy = NULL;
	enum fault_code code;

	memset(bundle, 0, sizeof *bundle);
	code = canon_parse(line, len, CODE, &bundle->root, fault);
	if (code == FAULT_NONE)
		code = fields_open(&top, bundle->root, "", CODE, fault);
	if (code == FAULT_NONE)
		code = fields_literal(&top, "schemaVersion", "safe-run.bundle/v1", fault);
	if (code == FAULT_NONE)
		code = fields_array(&top, "errors", FAULT_ARRAY_MAX, &errors, fault);
	if (code != FAULT_NONE)
		return code;
	if (json_object_array_length(errors) > 0)
		return read_refusal(&top, bundle, errors, fault);
	code = fields_any(&top, "policy", &policy, fault);
	if (code == FAULT_NONE && !json_object_is_type(policy, json_type_object))
		code = fault_set(fault, CODE, "policy", "must be an object");
	if (code != FAULT_NONE)
		return code;
	bundle->policy = policy;
	code = check_plans(&top, bundle, plan, fault);
	return code == FAULT_NONE ? fields_close(&top, fault) : code;
}

void bundle_release(struct bundle *bundle)
{
	object_release(&bundle->root);
	bundle->policy = NULL;
	bundle->errors = NULL;
}
