/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/event.h"

#include "ipc/buf.h"
#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define EVENT_HELD_MAX (2 * ((size_t)RECORD_EVENT_MAX + 1))

static const char *const type_names[EVENT_TYPE_COUNT] = {
	[EVENT_COMPILE] = "compile",
	[EVENT_RUN_PREPARED] = "run.prepared",
	[EVENT_MOUNT_VALIDATED] = "mount.validated",
	[EVENT_MOUNT_REJECTED] = "mount.rejected",
	[EVENT_MOUNT_APPLIED] = "mount.applied",
	[EVENT_NETWORK_PLAN_GENERATED] = "network.plan.generated",
	[EVENT_NETWORK_RULE_APPLIED] = "network.rule.applied",
	[EVENT_NETWORK_RULE_HIT] = "network.rule.hit",
	[EVENT_NETWORK_RULE_RELEASED] = "network.rule.released",
	[EVENT_NETWORK_RULE_CLEANUP_FAILED] = "network.rule.cleanup_failed",
	[EVENT_VM_STARTED] = "vm.started",
	[EVENT_RESOURCE_SAMPLED] = "resource.sampled",
	[EVENT_OUTPUT_TRUNCATED] = "output.truncated",
	[EVENT_VM_EXITED] = "vm.exited",
	[EVENT_OUTPUTS_COLLECTED] = "outputs.collected",
	[EVENT_RUN_CLEANED] = "run.cleaned",
	[EVENT_RUN_FAILED] = "run.failed",
	[EVENT_STAGE_KILLED] = "stage.killed",
	[EVENT_VM_FALLBACK] = "vm.fallback",
};

static const char *const observer_names[EVENT_OBSERVER_COUNT] = {
	[EVENT_BY_KERNEL] = "kernel",	[EVENT_BY_LAUNCHER] = "launcher",
	[EVENT_BY_MONITOR] = "monitor", [EVENT_BY_VMM] = "vmm",
	[EVENT_BY_GUEST] = "guest",	[EVENT_BY_WORKLOAD] = "workload",
	[EVENT_BY_SEAL] = "seal",	[EVENT_BY_FRONT_END] = "front-end",
};

const char *event_type_name(enum event_type type)
{
	return type_names[type];
}

enum event_type event_type_parse(const char *name)
{
	size_t type = 0;

	while (type < EVENT_TYPE_COUNT && strcmp(name, type_names[type]) != 0)
		type++;
	return (enum event_type)type;
}

const char *event_observer_name(enum event_observer observer)
{
	return observer_names[observer];
}

static bool observer_known(const char *name)
{
	for (size_t i = 0; i < EVENT_OBSERVER_COUNT; i++)
		if (strcmp(name, observer_names[i]) == 0)
			return true;
	return false;
}

bool event_type_closes(enum event_type type)
{
	return type == EVENT_RUN_CLEANED || type == EVENT_RUN_FAILED;
}

uint64_t event_boot_ns(void)
{
	struct timespec now = {0};

	/* Cannot fail: the clock is there since Linux 2.6.39 and the pointer is good. */
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static enum fault_code format(const struct event_writer *writer, enum event_type type,
			      enum event_observer observer, struct json_object *payload,
			      struct buf *line, struct fault *fault)
{
	struct json_object *event OBJECT_CLEANUP = object_new();
	char timestamp[EVENT_TIMESTAMP_SIZE];

	event_timestamp_now(timestamp);
	object_add_decimal(payload, "bootNs", event_boot_ns());
	object_add_string(payload, "observedBy", event_observer_name(observer));
	object_add(event, "payload", payload);
	object_add_string(event, "runId", writer->run_id);
	object_add_integer(event, "seq", (int64_t)writer->next_seq);
	object_add_string(event, "stage", writer->stage);
	object_add_string(event, "timestamp", timestamp);
	object_add_string(event, "type", event_type_name(type));
	return record_format(event, line, fault);
}

enum fault_code event_hold(struct event_writer *writer, enum event_type type,
			   enum event_observer observer, struct json_object *payload,
			   struct fault *fault)
{
	struct buf line BUF_CLEANUP;
	enum fault_code code;

	buf_init(&line, RECORD_EVENT_MAX);
	code = format(writer, type, observer, payload, &line, fault);
	if (code != FAULT_NONE)
		return code;
	if (writer->held.len == 0)
		buf_init(&writer->held, EVENT_HELD_MAX);
	buf_append(&writer->held, line.data, line.len);
	if (writer->held.overflowed)
		return fault_set(fault, FAULT_EVIDENCE_EVENT, "", "too many events are held back");
	writer->next_seq++;
	return FAULT_NONE;
}

/* The line, behind those that were held. */
static enum fault_code send(struct event_writer *writer, const struct buf *line,
			    struct fault *fault)
{
	struct buf held BUF_CLEANUP = writer->held;

	if (held.len == 0)
		return record_send_lines(&writer->sink, line->data, line->len, fault);
	writer->held = (struct buf){0};
	held.max_len += line->len;
	buf_append(&held, line->data, line->len);
	return record_send_lines(&writer->sink, held.data, held.len, fault);
}

enum fault_code event_emit(struct event_writer *writer, enum event_type type,
			   enum event_observer observer, struct json_object *payload,
			   struct fault *fault)
{
	struct buf line BUF_CLEANUP;
	enum fault_code code;

	buf_init(&line, RECORD_EVENT_MAX);
	code = format(writer, type, observer, payload, &line, fault);
	if (code == FAULT_NONE)
		code = send(writer, &line, fault);
	if (code == FAULT_NONE)
		writer->next_seq++;
	return code;
}

static bool stage_name_valid(const char *text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._:+-";

	return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

/* A 64-bit decimal the way buf_append_u64 writes it. */
static bool parse_decimal(const char *text, uint64_t *out)
{
	uint64_t value = 0;

	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return false;
	for (; *text != '\0'; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9' || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

static enum fault_code parse_payload(struct event *event, enum fault_code code, struct fault *fault)
{
	struct fields payload;
	const char *text;
	enum fault_code failed;

	failed = fields_open(&payload, event->payload, "payload", code, fault);
	if (failed != FAULT_NONE)
		return failed;
	failed = fields_string(&payload, "bootNs", &text, fault);
	if (failed != FAULT_NONE)
		return failed;
	if (!parse_decimal(text, &event->boot_ns))
		return fault_set(fault, code, "payload.bootNs", "\"%.32s\" is not a decimal number",
				 text);
	failed = fields_string(&payload, "observedBy", &text, fault);
	if (failed != FAULT_NONE)
		return failed;
	if (!observer_known(text))
		return fault_set(fault, code, "payload.observedBy", "\"%.32s\" is no observer",
				 text);
	return FAULT_NONE;
}

static enum fault_code check_syntax(struct event *event, enum fault_code code, struct fault *fault)
{
	event->type = event_type_parse(event->type_name);
	if (event->type == EVENT_TYPE_COUNT)
		return fault_set(fault, code, "type", "\"%.64s\" is no event type",
				 event->type_name);
	if (!runid_valid(event->run_id))
		return fault_set(fault, code, "runId", "\"%.80s\" is no run id", event->run_id);
	if (!stage_name_valid(event->stage))
		return fault_set(fault, code, "stage", "\"%.64s\" is no stage name", event->stage);
	if (!event_timestamp_valid(event->timestamp))
		return fault_set(fault, code, "timestamp", "\"%.64s\" is no UTC time",
				 event->timestamp);
	return parse_payload(event, code, fault);
}

static enum fault_code read_fields(struct event *event, enum fault_code code, struct fault *fault)
{
	struct fields fields;
	int64_t seq = 0;
	enum fault_code failed = fields_open(&fields, event->root, "", code, fault);

	if (failed == FAULT_NONE)
		failed = fields_any(&fields, "payload", &event->payload, fault);
	if (failed == FAULT_NONE)
		failed = fields_string(&fields, "runId", &event->run_id, fault);
	if (failed == FAULT_NONE)
		failed = fields_integer(&fields, "seq", 0, CANON_INTEGER_MAX, &seq, fault);
	if (failed == FAULT_NONE)
		failed = fields_string(&fields, "stage", &event->stage, fault);
	if (failed == FAULT_NONE)
		failed = fields_string(&fields, "timestamp", &event->timestamp, fault);
	if (failed == FAULT_NONE)
		failed = fields_string(&fields, "type", &event->type_name, fault);
	if (failed == FAULT_NONE)
		failed = fields_close(&fields, fault);
	event->seq = (uint64_t)seq;
	return failed;
}

enum fault_code event_parse(const char *line, size_t len, enum fault_code code, struct event *event,
			    struct fault *fault)
{
	enum fault_code failed;

	*event = (struct event){0};
	failed = canon_parse(line, len, code, &event->root, fault);
	if (failed == FAULT_NONE)
		failed = read_fields(event, code, fault);
	if (failed == FAULT_NONE)
		failed = check_syntax(event, code, fault);
	if (failed != FAULT_NONE)
		event_release(event);
	return failed;
}

void event_release(struct event *event)
{
	object_release(&event->root);
	*event = (struct event){0};
}
