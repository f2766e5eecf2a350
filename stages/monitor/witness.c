/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/monitor/witness.h"

#include "ipc/object.h"
#include "stages/monitor/facts.h"

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
static enum fault_code check_order(const struct witness *witness, const struct event *event,
				   struct fault *fault)
{
	const char *run_id = witness->writer->run_id;

	if (witness->facts.closing != OUTCOME_OPEN)
		return fault_set(fault, FAULT_RUN_LAUNCH, "type", "comes after the closing record");
	if (event->seq != witness->next_seq)
		return fault_set(fault, FAULT_RUN_LAUNCH, "seq", "is %" PRIu64, event->seq);
	if (run_id[0] != '\0' && strcmp(event->run_id, run_id) != 0)
		return fault_set(fault, FAULT_RUN_LAUNCH, "runId", "is that of another run");
	if (event->boot_ns < witness->launch_boot_ns)
		return fault_set(fault, FAULT_RUN_LAUNCH, "payload.bootNs", "goes back");
	if (event->boot_ns > event_boot_ns())
		return fault_set(fault, FAULT_RUN_LAUNCH, "payload.bootNs", "has not come yet");
	return FAULT_NONE;
}

/*
 * Pass a record on. Between the launcher's look at the clock and its write the monitor may have
 * written a sample of its own; then the record's time would go back on our pipe, and it gets the
 * time before it, with what the launcher said beside it.
 */
static enum fault_code forward(struct witness *witness, const struct event *event, const char *line,
			       size_t len, struct fault *fault)
{
	struct event_writer *writer = witness->writer;
	enum fault_code code = FAULT_NONE;

	if (event->seq == writer->next_seq && event->boot_ns >= witness->boot_ns) {
		code = record_send_line(&writer->sink, line, len, fault);
	} else {
		if (event->boot_ns < witness->boot_ns) {
			object_add_decimal(event->payload, "launcherBootNs", event->boot_ns);
			object_add_decimal(event->payload, "bootNs", witness->boot_ns);
		}
		object_add_integer(event->root, "seq", (int64_t)writer->next_seq);
		code = record_send(&writer->sink, event->root, RECORD_EVENT_MAX, fault);
	}
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

static enum fault_code take_facts(struct witness *witness, const struct event *event,
				  struct fault *fault)
{
	struct outcome_facts *facts = &witness->facts;
	struct json_object *payload = event->payload;

	switch (event->type) {
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
		facts_from_closing(facts, event->type, payload);
		keep(&witness->cleanup, payload, "cleanup", json_type_array);
		if (event->type == EVENT_RUN_FAILED)
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
	case EVENT_TYPE_COUNT:
		break;
	}
	return FAULT_NONE;
}

enum fault_code witness_take(struct witness *witness, const char *line, size_t len,
			     struct fault *fault)
{
	struct event event;
	struct fault why;
	enum fault_code code = FAULT_NONE;

	if (witness->facts.lost.code != FAULT_NONE)
		return FAULT_NONE;
	if (event_parse(line, len, FAULT_RUN_LAUNCH, &event, &why) != FAULT_NONE) {
		witness_lose(witness, &why);
		return FAULT_NONE;
	}
	if (check_order(witness, &event, &why) != FAULT_NONE ||
	    take_facts(witness, &event, &why) != FAULT_NONE) {
		witness_lose(witness, &why);
		event_release(&event);
		return FAULT_NONE;
	}
	witness->next_seq++;
	witness->launch_boot_ns = event.boot_ns;
	(void)snprintf(witness->writer->run_id, sizeof(witness->writer->run_id), "%s",
		       event.run_id);
	if (!event_type_closes(event.type))
		code = forward(witness, &event, line, len, fault);
	event_release(&event);
	return code;
}

enum fault_code witness_emit(struct witness *witness, enum event_type type,
			     struct json_object *payload, struct fault *fault)
{
	enum fault_code code = event_emit(witness->writer, type, EVENT_BY_MONITOR, payload, fault);

	witness->boot_ns = event_boot_ns();
	return code;
}
