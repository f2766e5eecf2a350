/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/recorded.h"

#include "ipc/canon.h"
#include "ipc/record.h"
#include "stages/seal/span.h"

#include <stdio.h>
#include <string.h>

/* A sealed event is a travelling one and two hashes. */
#define LINE_MAX (RECORD_EVENT_MAX + 256)

static enum fault_code refuse(struct fault *fault, const char *why)
{
	return fault_set(fault, FAULT_EVIDENCE_EVENT, "seal.recorded", "%s", why);
}

static bool copy_string(struct span value, char *out, size_t size)
{
	struct span inside;

	return span_string(value, &inside) && span_copy(inside, out, size);
}

static int number_of(struct span value, int max)
{
	int64_t number;

	return span_integer(value, &number) && number >= 0 && number <= max ? (int)number : 0;
}

static enum fault_code take_death(struct recorded *recorded, struct span payload,
				  struct fault *fault)
{
	struct closing_death *death = &recorded->deaths[recorded->death_count];

	if (recorded->death_count == CLOSING_DEATHS_MAX)
		return refuse(fault, "more stages ended than there are");
	if (!copy_string(span_get(payload, "killedStage"), death->stage, sizeof(death->stage)))
		return refuse(fault, "a stage that ended has no name");
	death->signal = number_of(span_get(payload, "signalNumber"), 64);
	death->status = number_of(span_get(payload, "status"), 255);
	recorded->death_count++;
	return FAULT_NONE;
}

/* An event whose stage is seal. */
static enum fault_code take_own(struct recorded *recorded, struct span event, struct fault *fault)
{
	struct span payload = span_get(event, "payload");
	struct span type = span_get(event, "type");
	struct span boot_ns;

	if (recorded->own_count == RECORDED_OWN_MAX)
		return refuse(fault, "more events of seal's own than it ever writes");
	if (!copy_string(span_get(event, "timestamp"), recorded->own[recorded->own_count].timestamp,
			 EVENT_TIMESTAMP_SIZE) ||
	    !event_timestamp_valid(recorded->own[recorded->own_count].timestamp) ||
	    !span_string(span_get(payload, "bootNs"), &boot_ns) ||
	    !span_decimal(boot_ns, &recorded->own[recorded->own_count].boot_ns))
		return refuse(fault, "an event of seal's own has no time");
	recorded->own_count++;
	if (span_says(type, event_type_name(EVENT_STAGE_KILLED)))
		return take_death(recorded, payload, fault);
	if (span_says(type, event_type_name(EVENT_COMPILE)) &&
	    !copy_string(span_get(payload, "nonce"), recorded->nonce, sizeof(recorded->nonce)))
		return refuse(fault, "the nonce is not one");
	return FAULT_NONE;
}

static enum fault_code take_line(struct recorded *recorded, const char *line, size_t len,
				 struct fault *fault)
{
	struct span event = {line, len};

	if (!canon_check(line, len, NULL))
		return refuse(fault, "an event is not canonical JSON");
	if (recorded->run_id[0] == '\0' &&
	    (!copy_string(span_get(event, "runId"), recorded->run_id, sizeof(recorded->run_id)) ||
	     !runid_valid(recorded->run_id)))
		return refuse(fault, "the run has no name");
	if (!span_says(span_get(event, "stage"), "seal"))
		return FAULT_NONE;
	return take_own(recorded, event, fault);
}

enum fault_code recorded_read(int fd, struct recorded *recorded, struct fault *fault)
{
	struct record_reader reader;
	enum fault_code code = FAULT_NONE;
	bool more = true;
	const char *line;
	size_t len;

	*recorded = (struct recorded){.own_count = 0};
	record_reader_init(&reader, fd, LINE_MAX);
	while (more && code == FAULT_NONE) {
		more = record_read(&reader, &line, &len, FAULT_EVIDENCE_EVENT, fault) ==
		       RECORD_LINE;
		if (more)
			code = take_line(recorded, line, len, fault);
	}
	record_reader_release(&reader);
	return code;
}

void recorded_place(struct recorded *recorded, struct closing_place *place)
{
	if (recorded->own_used == recorded->own_count)
		return;
	place->timestamp = recorded->own[recorded->own_used].timestamp;
	place->boot_ns = recorded->own[recorded->own_used].boot_ns;
	recorded->own_used++;
}
