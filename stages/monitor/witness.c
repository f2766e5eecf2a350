/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/monitor/witness.h"

#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/monitor/facts.h"
#include "stages/seal/head.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

void witness_init(struct witness *witness, struct event_writer *writer)
{
	*witness = (struct witness){.writer = writer};
}

void witness_release(struct witness *witness)
{
	object_release(&witness->cgroup);
	object_release(&witness->cleanup);
	object_release(&witness->errors);
}

void witness_lose(struct witness *witness, const struct fault *why)
{
	if (witness->facts.lost.code == FAULT_NONE)
		(void)fault_set(&witness->facts.lost, FAULT_RUN_LAUNCH, "launch.events",
				"the launcher's record %" PRIu64 " is not understood: %s%s%s",
				witness->next_seq, why->path, why->path[0] != '\0' ? ": " : "",
				why->message);
}

/* Whether event is what must come next. */
static enum fault_code check_order(const struct witness *witness, const struct head *event,
				   struct fault *fault)
{
	const char *run_id = witness->writer->run_id;

	if (witness->facts.closing != OUTCOME_OPEN)
		return fault_set(fault, FAULT_RUN_LAUNCH, "type", "comes after the closing record");
	if (event->seq != witness->next_seq)
		return fault_set(fault, FAULT_RUN_LAUNCH, "seq", "is %" PRIu64, event->seq);
	if (run_id[0] != '\0' && !span_equal(event->run_id, run_id))
		return fault_set(fault, FAULT_RUN_LAUNCH, "runId", "is that of another run");
	if (event->boot_ns < witness->launch_boot_ns)
		return fault_set(fault, FAULT_RUN_LAUNCH, "payload.bootNs", "goes back");
	if (event->boot_ns > event_boot_ns())
		return fault_set(fault, FAULT_RUN_LAUNCH, "payload.bootNs", "has not come yet");
	return FAULT_NONE;
}

/* The record with another number, and another time where its own would go back. */
static enum fault_code forward_changed(const struct witness *witness, const char *line, size_t len,
				       struct fault *fault)
{
	const struct event_writer *writer = witness->writer;
	enum fault_code code;
	struct event event;

	code = event_parse(line, len, FAULT_RUN_LAUNCH, &event, fault);
	if (code != FAULT_NONE)
		return code;
	if (event.boot_ns < witness->boot_ns) {
		object_add_decimal(event.payload, "launcherBootNs", event.boot_ns);
		object_add_decimal(event.payload, "bootNs", witness->boot_ns);
	}
	object_add_integer(event.root, "seq", (int64_t)writer->next_seq);
	code = record_send(&writer->sink, event.root, RECORD_EVENT_MAX, fault);
	event_release(&event);
	return code;
}

/*
 * Pass a record on. Between the launcher's look at the clock and its write the monitor may have
 * written a sample of its own; then the record's time would go back on our pipe, and it gets the
 * time before it, with what the launcher said beside it.
 */
static enum fault_code forward(struct witness *witness, const struct head *event,
			       struct fault *fault)
{
	struct event_writer *writer = witness->writer;
	enum fault_code code = FAULT_NONE;

	if (event->seq == writer->next_seq && event->boot_ns >= witness->boot_ns)
		code = record_send_line(&writer->sink, event->line.at, event->line.len, fault);
	else
		code = forward_changed(witness, event->line.at, event->line.len, fault);
	if (code == FAULT_NONE)
		writer->next_seq++;
	if (event->boot_ns > witness->boot_ns)
		witness->boot_ns = event->boot_ns;
	return code;
}

static void keep(struct json_object **slot, struct json_object *payload, const char *name,
		 enum json_type type)
{
	struct json_object *value = facts_member(payload, name, type);

	if (value == NULL || (type == json_type_array && json_object_array_length(value) == 0))
		return; /* an empty list says nothing that an earlier one did not */
	object_release(slot);
	*slot = json_object_get(value);
}

static enum fault_code take_facts(struct witness *witness, enum event_type type,
				  struct json_object *payload, struct fault *fault)
{
	struct outcome_facts *facts = &witness->facts;

	switch (type) {
	case EVENT_COMPILE:
		facts_from_compile(facts, payload);
		keep(&witness->errors, payload, "errors", json_type_array);
		return FAULT_NONE;
	case EVENT_RUN_PREPARED:
		keep(&witness->cgroup, payload, "cgroup", json_type_object);
		return FAULT_NONE;
	case EVENT_VM_STARTED:
		witness->started = true;
		return FAULT_NONE;
	case EVENT_VM_EXITED:
		return facts_from_exit(facts, payload, fault);
	case EVENT_RUN_CLEANED:
	case EVENT_RUN_FAILED:
		facts_from_closing(facts, type, payload);
		keep(&witness->cleanup, payload, "cleanup", json_type_array);
		if (type == EVENT_RUN_FAILED)
			keep(&witness->errors, payload, "errors", json_type_array);
		return FAULT_NONE;
	case EVENT_MOUNT_VALIDATED:
	case EVENT_MOUNT_REJECTED:
	case EVENT_MOUNT_APPLIED:
	case EVENT_NETWORK_PLAN_GENERATED:
	case EVENT_NETWORK_RULE_APPLIED:
	case EVENT_NETWORK_RULE_HIT:
	case EVENT_NETWORK_RULE_RELEASED:
	case EVENT_NETWORK_RULE_CLEANUP_FAILED:
	case EVENT_RESOURCE_SAMPLED:
	case EVENT_OUTPUT_TRUNCATED:
	case EVENT_OUTPUTS_COLLECTED:
	case EVENT_STAGE_KILLED:
	case EVENT_VM_FALLBACK:
	case EVENT_TYPE_COUNT:
		break;
	}
	return FAULT_NONE;
}

/* The members of a payload that facts are taken from: most of a long record is only passed on. */
static const char *const *members_read(enum event_type type)
{
	static const char *const none[] = {NULL};
	static const char *const compile[] = {"errors", "policySummary", NULL};
	static const char *const prepared[] = {"cgroup", NULL};

	if (type == EVENT_COMPILE)
		return compile;
	if (type == EVENT_RUN_PREPARED)
		return prepared;
	return type == EVENT_VM_EXITED || event_type_closes(type) ? NULL : none;
}

/* head_read has found the whole line canonical, so its parts are. NULL: all of the payload. */
static enum fault_code read_payload(const struct head *event, const char *const *names,
				    struct json_object **payload, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;
	struct span text;

	if (names == NULL)
		return canon_parse(event->payload.at, event->payload.len, FAULT_RUN_LAUNCH, payload,
				   fault);
	*payload = object_new();
	for (; code == FAULT_NONE && *names != NULL; names++) {
		struct json_object *value = NULL;

		if (!span_member(event->payload, *names, &text))
			continue;
		code = canon_parse(text.at, text.len, FAULT_RUN_LAUNCH, &value, fault);
		object_add(*payload, *names, value);
	}
	return code;
}

static enum fault_code understand(struct witness *witness, const struct head *event,
				  struct fault *fault)
{
	struct json_object *payload OBJECT_CLEANUP = NULL;
	enum fault_code code = check_order(witness, event, fault);

	if (code == FAULT_NONE)
		code = read_payload(event, members_read(event->type), &payload, fault);
	return code == FAULT_NONE ? take_facts(witness, event->type, payload, fault) : code;
}

enum fault_code witness_take(struct witness *witness, const char *line, size_t len,
			     struct fault *fault)
{
	struct head event;
	struct fault why;

	if (witness->facts.lost.code != FAULT_NONE)
		return FAULT_NONE;
	if (head_read(line, len, HEAD_TRAVELLING, FAULT_RUN_LAUNCH, &event, &why) != FAULT_NONE ||
	    understand(witness, &event, &why) != FAULT_NONE) {
		witness_lose(witness, &why);
		return FAULT_NONE;
	}
	witness->next_seq++;
	witness->launch_boot_ns = event.boot_ns;
	(void)span_copy(event.run_id, witness->writer->run_id, sizeof(witness->writer->run_id));
	return event_type_closes(event.type) ? FAULT_NONE : forward(witness, &event, fault);
}

enum fault_code witness_emit(struct witness *witness, enum event_type type,
			     struct json_object *payload, struct fault *fault)
{
	enum fault_code code = event_emit(witness->writer, type, EVENT_BY_MONITOR, payload, fault);

	witness->boot_ns = event_boot_ns();
	return code;
}
