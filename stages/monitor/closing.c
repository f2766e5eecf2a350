/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/monitor/closing.h"

#include "ipc/object.h"

#include <json-c/json.h>
#include <string.h>

/* What the launcher reported, and what it does not know: how the run ended. */
static struct json_object *errors_of(const struct witness *witness, const struct outcome *outcome)
{
	/* The launcher's own, which is the first of its list. */
	bool told = witness->errors != NULL &&
		    (outcome->cause == OUTCOME_SETUP ||
		     strcmp(outcome->error.message, witness->facts.refused.message) == 0);
	struct json_object *errors = array_new();

	if (outcome->error.code != FAULT_NONE && !told)
		array_append(errors, fault_to_json(&outcome->error));
	size_t count = witness->errors != NULL ? json_object_array_length(witness->errors) : 0;
	for (size_t i = 0; i < count; i++)
		array_append(errors,
			     json_object_get(json_object_array_get_idx(witness->errors, i)));
	return errors;
}

static void add_or_null(struct json_object *object, const char *name, struct json_object *value)
{
	if (value != NULL)
		object_add(object, name, value);
	else
		object_add_null(object, name);
}

static struct json_object *outcome_of(const struct witness *witness, const struct outcome *outcome,
				      const struct relay *out, const struct relay *err,
				      int sample_errno)
{
	struct json_object *object = outcome_to_json(outcome, &witness->facts);
	struct json_object *evidence = json_object_object_get(object, "evidence");

	/* Somebody outside the run still held the workload's end when the launcher was done. */
	if (out->abandoned || err->abandoned)
		object_add_bool(evidence, "outputLeftOpen", true);
	if (sample_errno != 0)
		object_add_string(evidence, "samplingFailed", strerror(sample_errno));
	return object;
}

struct json_object *closing_payload(const struct witness *witness, const struct outcome *outcome,
				    const struct relay *out, const struct relay *err,
				    const struct input *input, bool captured, int sample_errno)
{
	struct json_object *output = object_new();
	struct json_object *payload = object_new();

	object_add_bool(output, "captured", captured);
	add_or_null(output, "stderr", relay_to_json(err));
	add_or_null(output, "stdin", input_to_json(input));
	add_or_null(output, "stdout", relay_to_json(out));
	if (witness->cleanup != NULL)
		object_add_shared(payload, "cleanup", witness->cleanup);
	else
		object_add(payload, "cleanup", array_new());
	object_add(payload, "errors", errors_of(witness, outcome));
	object_add(payload, "outcome", outcome_of(witness, outcome, out, err, sample_errno));
	object_add(payload, "output", output);
	return payload;
}
