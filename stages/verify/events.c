/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/events.h"

#include "stages/seal/payload.h"

#include <inttypes.h>

void events_init(struct events *events)
{
	*events = (struct events){.declared_count = FACTS_UNKNOWN};
	facts_init(&events->facts);
	chain_init(&events->chain);
}

void events_release(struct events *events)
{
	facts_release(&events->facts);
	chain_release(&events->chain);
}

static void refuse(struct events *events, enum verdict_check check, struct fault *fault,
		   struct verdict *verdict)
{
	fault->code = verdict_code(check);
	head_place(fault, events->count);
	verdict_refuse(verdict, check, fault);
}

static void check_chain(struct events *events, const struct head *event, struct verdict *verdict)
{
	struct fault fault;

	switch (chain_check(&events->chain, event)) {
	case CHAIN_WHOLE:
		return;
	case CHAIN_PREV:
		fault_set(&fault, FAULT_REPORT_CHAIN, "hashPrev",
			  "not the hashSelf of the event before: one was changed, taken out or put "
			  "in");
		break;
	case CHAIN_SELF:
		fault_set(&fault, FAULT_REPORT_CHAIN, "hashSelf",
			  "not the hash of this event: it was changed");
		break;
	}
	refuse(events, VERDICT_EVENT_CHAIN, &fault, verdict);
}

/* Order first, for it has a check of its own; then what the event must hold. */
static void check_facts(struct events *events, const struct head *event, struct verdict *verdict)
{
	enum verdict_check check = VERDICT_CROSS_FIELD;
	struct facts_sample sample;
	struct fault fault;

	if (facts_order(&events->facts, event, FAULT_REPORT_SCHEMA, &fault) == FAULT_NONE) {
		check = VERDICT_SCHEMA;
		if (event->type == EVENT_COMPILE &&
		    payload_check_hashes(event, FAULT_REPORT_HASH, &fault) != FAULT_NONE)
			check = VERDICT_ARTIFACT_HASH;
		if (facts_admit(&events->facts, event, FAULT_REPORT_SCHEMA, &sample, &fault) ==
		    FAULT_NONE) {
			facts_take(&events->facts, event, &sample);
			return;
		}
	}
	events->gapped = true;
	facts_skip(&events->facts, event);
	refuse(events, check, &fault, verdict);
}

void events_take(struct events *events, struct span text, struct verdict *verdict)
{
	struct head event;
	struct fault fault;

	if (head_scan(text, HEAD_SEALED, FAULT_REPORT_SCHEMA, &event, &fault) == FAULT_NONE) {
		check_chain(events, &event, verdict);
		check_facts(events, &event, verdict);
		events->declared_count = FACTS_UNKNOWN;
		if (event_type_closes(event.type) &&
		    !span_integer(span_get(event.payload, "eventCount"), &events->declared_count))
			events->declared_count = FACTS_UNKNOWN;
	} else {
		events->gapped = true;
		events->facts.count++; /* the next one is to count on from here */
		refuse(events, VERDICT_SCHEMA, &fault, verdict);
	}
	events->count++;
}

static void refuse_open(const struct events *events, struct verdict *verdict)
{
	if (events->count == 0)
		verdict_refuse_at(verdict, VERDICT_COMPLETE, "events",
				  "there are no events: nothing of the run is covered");
	else
		verdict_refuse_at(verdict, VERDICT_COMPLETE, "events",
				  "no closing event: the run is covered up to event %" PRIu64
				  " and no further",
				  events->count - 1);
}

void events_finish(const struct events *events, struct verdict *verdict)
{
	verdict_pass(verdict, VERDICT_EVENT_CHAIN);
	verdict_pass(verdict, VERDICT_CROSS_FIELD);
	if (!events->facts.closed) {
		refuse_open(events, verdict);
		return;
	}
	verdict_pass(verdict, VERDICT_COMPLETE);
	if (events->declared_count < 0 || (uint64_t)events->declared_count != events->count)
		verdict_refuse_at(verdict, VERDICT_EVENT_COUNT, "events",
				  "the closing event counts %" PRId64 " events, there are %" PRIu64,
				  events->declared_count, events->count);
}
