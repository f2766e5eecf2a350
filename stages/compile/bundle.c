/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/compile/bundle.h"

#include "ipc/event.h"
#include "ipc/object.h"
#include "stages/compile/host_facts.h"
#include "stages/compile/machine_plan.h"
#include "stages/compile/network_plan.h"
#include "stages/compile/policy.h"
#include "stages/compile/process_plan.h"
#include "stages/compile/validation.h"
#include "stages/seal/digest.h"

#include <json-c/json.h>

#define SCHEMA_VERSION "safe-run.bundle/v1"

/* Every event a run can leave, in the registry's order; but for those that are always told. */
static struct json_object *make_evidence_plan(const struct policy *policy)
{
	struct json_object *plan = object_new();
	struct json_object *events = array_new();

	for (size_t type = 0; type < EVENT_PLANNED_COUNT; type++)
		array_append_string(events, event_type_name((enum event_type)type));
	object_add(plan, "events", events);
	object_add_string(plan, "level", policy->audit_level);
	return plan;
}

static enum fault_code add_digest(struct json_object *bundle, const char *name,
				  struct json_object *value, struct fault *fault)
{
	char text[DIGEST_TEXT_SIZE];

	if (!digest_json(value, text))
		return fault_set(fault, FAULT_COMPILE_MAPPING, name,
				 "what it covers has no canonical form");
	object_add_string(bundle, name, text);
	return FAULT_NONE;
}

static enum fault_code add_hashes(struct json_object *bundle, struct json_object *normalized,
				  const struct policy *policy, struct fault *fault)
{
	struct json_object *command OBJECT_CLEANUP = object_new();
	enum fault_code code;

	object_add_shared(command, "args", policy->args);
	object_add_string(command, "command", policy->command);
	code = add_digest(bundle, "commandHash", command, fault);
	return code != FAULT_NONE ? code : add_digest(bundle, "policyHash", normalized, fault);
}

static enum fault_code make_bundle(const struct validation *validation, struct json_object **out,
				   struct fault *fault)
{
	struct json_object *bundle OBJECT_CLEANUP = object_new();
	struct json_object *config;
	struct policy policy;
	struct host_facts facts;
	enum fault_code code = policy_read(validation->policy, &policy, fault);

	if (code == FAULT_NONE)
		code = host_facts_read(validation->host_facts, &policy, &facts, fault);
	if (code == FAULT_NONE)
		code = machine_plan_config(&policy, &config, fault);
	if (code == FAULT_NONE) {
		object_add(bundle, "firecrackerConfig", config);
		code = add_hashes(bundle, validation->policy, &policy, fault);
	}
	if (code != FAULT_NONE)
		return code;
	object_add(bundle, "cgroupPlan", cgroup_plan_make(&policy));
	object_add(bundle, "errors", array_new());
	object_add(bundle, "evidencePlan", make_evidence_plan(&policy));
	object_add(bundle, "jailerPlan", machine_plan_jailer(&policy));
	object_add_shared(bundle, "mountPlan", policy.mounts);
	object_add(bundle, "networkPlan", network_plan_make(&policy));
	object_add_shared(bundle, "policy", validation->policy);
	object_add(bundle, "processPlan", process_plan_make(&policy, &facts));
	object_add_string(bundle, "schemaVersion", SCHEMA_VERSION);
	*out = object_take(&bundle);
	return FAULT_NONE;
}

/* A bundle that only says why there is none. errors is taken over. */
static struct json_object *make_refusal(struct json_object *errors)
{
	static const char *const nulls[] = {
		"cgroupPlan", "commandHash", "evidencePlan", "firecrackerConfig", "jailerPlan",
		"mountPlan",  "networkPlan", "policy",	     "policyHash",	  "processPlan",
	};
	struct json_object *bundle = object_new();

	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		object_add_null(bundle, nulls[i]);
	object_add(bundle, "errors", errors);
	object_add_string(bundle, "schemaVersion", SCHEMA_VERSION);
	return bundle;
}

static struct json_object *one_error(const struct fault *fault)
{
	struct json_object *errors = array_new();

	array_append(errors, fault_to_json(fault));
	return errors;
}

enum fault_code bundle_compile(const char *line, size_t len, struct fault *fault,
			       struct json_object **bundle)
{
	struct validation validation VALIDATION_CLEANUP = {0};
	enum fault_code code = fault->code;

	if (line != NULL)
		code = validation_parse(line, len, &validation, fault);
	if (code == FAULT_NONE && !validation.valid) {
		*bundle = make_refusal(json_object_get(validation.errors));
		return validation.first_error;
	}
	if (code == FAULT_NONE)
		code = make_bundle(&validation, bundle, fault);
	if (code != FAULT_NONE)
		*bundle = make_refusal(one_error(fault));
	return code;
}
