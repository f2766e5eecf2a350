/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/validate.h"

#include "ipc/object.h"
#include "stages/launch/root_paths.h"
#include "stages/validate/allowlist.h"
#include "stages/validate/facts_replay.h"
#include "stages/validate/host.h"
#include "stages/validate/input.h"
#include "stages/validate/normalize.h"
#include "stages/validate/override.h"
#include "stages/validate/policy.h"

#include <json-c/json.h>
#include <stdlib.h>

#define VALIDATE_SCHEMA_VERSION "safe-run.validation/v1"

static void read_allowlist(struct reading *reading, const struct validate_text *text,
			   struct allowlist *allowlist)
{
	*allowlist = allowlist_default;
	if (text == NULL)
		return;
	if (text->fault.code == FAULT_NONE) {
		allowlist_read(text->data, text->len, reading, allowlist);
		return;
	}
	*allowlist = (struct allowlist){.origin = ALLOWLIST_FILE};
	fault_list_add(&reading->errors, &text->fault);
}

/* What the record does not say about the root must be known before the errors are counted. */
static void replay_host(struct facts_source *source, struct document *document,
			struct allowlist *allowlist)
{
	facts_replay_allowlist(source, document, allowlist);
	for (size_t i = 0; i < ROOT_PATHS_COUNT; i++)
		json_object_put(facts_replay_root(source, root_paths[i]));
}

static void read_policy(struct reading *reading, const struct validate_request *request,
			struct policy *policy, struct json_object *overrides)
{
	struct fault fault = request->policy.fault;

	if (fault.code == FAULT_NONE && input_parse(request->policy.data, request->policy.len,
						    reading->document, &fault) != FAULT_NONE)
		reading->document->root = NULL;
	if (reading->document->root == NULL)
		fault_list_add(&reading->errors, &fault);
	override_apply(reading, request->settings, request->setting_count, overrides);
	if (reading->document->root != NULL)
		policy_read(reading, policy);
}

static struct json_object *make_result(struct reading *reading, const struct policy *policy,
				       struct json_object *overrides, bool valid)
{
	struct json_object *result = object_new();

	object_add_string(result, "schemaVersion", VALIDATE_SCHEMA_VERSION);
	object_add_bool(result, "valid", valid);
	object_add(result, "errors", fault_list_to_json(&reading->errors));
	object_add(result, "warnings", fault_list_to_json(&reading->warnings));
	object_add(result, "overrides", overrides);
	object_add(result, "hostFacts",
		   host_facts(valid ? policy : NULL, reading->allowlist, reading->document));
	if (valid)
		object_add(result, "normalizedPolicy", normalize_policy(policy));
	else
		object_add_null(result, "normalizedPolicy");
	return result;
}

struct json_object *validate_request(const struct validate_request *request, bool *valid)
{
	struct document document DOCUMENT_CLEANUP;
	struct json_object *overrides = array_new();
	struct json_object *result;
	struct policy policy = {0};
	struct allowlist allowlist;
	struct facts_source source;
	struct reading *reading = malloc(sizeof(*reading));

	if (reading == NULL)
		buf_no_memory();
	document_init(&document);
	reading->document = &document;
	reading->allowlist = &allowlist;
	fault_list_init(&reading->errors);
	fault_list_init(&reading->warnings);
	facts_source_init(&source, request->record, &reading->errors);
	document.facts = &source;
	if (request->record != NULL)
		replay_host(&source, &document, &allowlist);
	else
		read_allowlist(reading, request->allowlist, &allowlist);
	read_policy(reading, request, &policy, overrides);
	*valid = reading->errors.count == 0;
	result = make_result(reading, &policy, overrides, *valid);
	facts_source_release(&source);
	free(reading);
	return result;
}
