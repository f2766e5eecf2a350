/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/closing.h"

#include "ipc/canon.h"
#include "ipc/object.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTCOME_EXIT_CODE 125 /* safe-run failed, as the front-end exits */

static void put(struct buf *out, struct span text)
{
	buf_append(out, text.at, text.len);
}

/* The payload's members with eventCount where the order of names wants it. */
static void put_payload(struct span payload, uint64_t count, struct buf *out)
{
	struct span_walk walk;
	struct span key, value;
	const char *before = "{";
	bool counted = false;

	if (!span_walk_object(payload, &walk))
		abort(); /* facts_admit saw an object */
	for (bool more = span_next_member(&walk, &key, &value); more || !counted;) {
		bool now = !counted && (!more || span_order("eventCount", key) < 0);

		buf_append_text(out, before);
		before = ",";
		if (now) {
			buf_append_text(out, "\"eventCount\":");
			buf_append_u64(out, count);
			counted = true;
			continue;
		}
		buf_append_text(out, "\"");
		put(out, key);
		buf_append_text(out, "\":");
		put(out, value);
		more = span_next_member(&walk, &key, &value);
	}
	buf_append_text(out, "}");
}

void closing_complete(const struct head *event, uint64_t seq, struct buf *out)
{
	buf_clear(out);
	buf_append_text(out, "{\"payload\":");
	put_payload(event->payload, seq + 1, out);
	buf_append_text(out, ",\"runId\":\"");
	put(out, event->run_id);
	buf_append_text(out, "\",\"seq\":");
	buf_append_u64(out, seq);
	buf_append_text(out, ",\"stage\":\"");
	put(out, event->stage);
	buf_append_text(out, "\",\"timestamp\":\"");
	put(out, event->timestamp);
	buf_append_text(out, "\",\"type\":\"");
	buf_append_text(out, event_type_name(event->type));
	buf_append_text(out, "\"}");
}

/* Releases payload. What seal writes itself is always inside the canonical subset. */
static void write_event(const struct closing_place *place, enum event_type type,
			enum event_observer observer, struct json_object *payload, struct buf *out)
{
	struct json_object *event OBJECT_CLEANUP = object_new();
	char timestamp[EVENT_TIMESTAMP_SIZE];
	uint64_t boot_ns = place->timestamp != NULL ? place->boot_ns : event_boot_ns();
	struct fault fault;

	if (place->timestamp == NULL)
		event_timestamp_now(timestamp);
	else
		snprintf(timestamp, sizeof(timestamp), "%s", place->timestamp);
	if (boot_ns > place->boot_ns_max)
		boot_ns = place->boot_ns_max;
	if (boot_ns < place->boot_ns_min)
		boot_ns = place->boot_ns_min;
	object_add_decimal(payload, "bootNs", boot_ns);
	object_add_string(payload, "observedBy", event_observer_name(observer));
	object_add(event, "payload", payload);
	object_add_string(event, "runId", place->run_id);
	object_add_integer(event, "seq", (int64_t)place->seq);
	object_add_string(event, "stage", "seal");
	object_add_string(event, "timestamp", timestamp);
	object_add_string(event, "type", event_type_name(type));
	buf_clear(out);
	if (canon_write(event, out, FAULT_EVIDENCE_EVENT, &fault) != FAULT_NONE || out->overflowed)
		abort();
}

void closing_write_compile(const struct closing_place *place, const char *nonce,
			   const struct fault *why, struct buf *out)
{
	static const char *const hashes[] = {"commandHash", "kernelHash", "policyHash",
					     "rootfsHash"};
	struct json_object *payload = object_new();
	struct json_object *artifacts = object_new();
	struct json_object *errors = array_new();
	struct json_object *version = object_new();

	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		object_add_null(artifacts, hashes[i]);
	if (why != NULL)
		array_append(errors, fault_to_json(why));
	object_add_string(version, "version", SAFE_RUN_VERSION);
	object_add(payload, "artifacts", artifacts);
	object_add(payload, "errors", errors);
	object_add_null(payload, "kernel");
	object_add_string(payload, "nonce", nonce);
	object_add_null(payload, "policySummary");
	object_add_null(payload, "root");
	object_add(payload, "safeRun", version);
	write_event(place, EVENT_COMPILE, EVENT_BY_SEAL, payload, out);
}

/* "SIGSYS"; "" for a number without a name. */
static void signal_name(int number, char *out, size_t size)
{
	const char *name = sigabbrev_np(number);

	snprintf(out, size, "%s%s", name != NULL ? "SIG" : "", name != NULL ? name : "");
}

void closing_write_death(const struct closing_place *place, const struct closing_death *death,
			 struct buf *out)
{
	struct json_object *payload = object_new();
	char name[32];

	signal_name(death->signal, name, sizeof(name));
	object_add_string(payload, "killedStage", death->stage);
	if (death->signal != 0 && name[0] != '\0')
		object_add_string(payload, "signal", name);
	else
		object_add_null(payload, "signal");
	if (death->signal != 0) {
		object_add_integer(payload, "signalNumber", death->signal);
		object_add_null(payload, "status");
	} else {
		object_add_null(payload, "signalNumber");
		object_add_integer(payload, "status", death->status);
	}
	write_event(place, EVENT_STAGE_KILLED, EVENT_BY_FRONT_END, payload, out);
}

static void describe_deaths(const struct closing_loss *loss, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < loss->death_count && used < size; i++) {
		const struct closing_death *death = &loss->deaths[i];
		char name[32];
		int len;

		signal_name(death->signal, name, sizeof(name));
		if (death->signal != 0)
			len = snprintf(out + used, size - used, "%s%s was killed by %s (signal %d)",
				       i > 0 ? ", " : ": ", death->stage, name, death->signal);
		else
			len = snprintf(out + used, size - used, "%s%s exited with status %d",
				       i > 0 ? ", " : ": ", death->stage, death->status);
		used += (size_t)len;
	}
}

static struct json_object *loss_errors(const struct closing_loss *loss, const char *deaths)
{
	struct json_object *errors = array_new();
	struct fault fault;

	if (loss->refused != NULL)
		array_append(errors, fault_to_json(loss->refused));
	if (loss->notices != NULL)
		array_append(errors, fault_to_json(loss->notices));
	if (loss->withheld)
		return errors;
	fault_set(&fault, FAULT_REPORT_INCOMPLETE, "seal.closing",
		  "the event stream ended without a closing event%s; what the run did after the "
		  "last event is not known",
		  deaths);
	array_append(errors, fault_to_json(&fault));
	return errors;
}

static struct json_object *loss_outcome(const struct closing_place *place,
					const struct closing_loss *loss, const char *deaths)
{
	struct json_object *outcome = object_new();
	struct json_object *evidence = object_new();
	struct fault summary; /* for its escaping and its bound */

	object_add_integer(evidence, "acceptedEvents", (int64_t)place->seq);
	object_add_bool(evidence, "closingWithheld", loss->withheld);
	if (loss->refused_hash[0] != '\0')
		object_add_string(evidence, "refusedRecord", loss->refused_hash);
	if (loss->refused != NULL)
		fault_set(&summary, loss->refused->code, "", "the evidence was refused at %s: %s",
			  loss->refused->path, loss->refused->message);
	else
		fault_set(&summary, FAULT_REPORT_INCOMPLETE, "",
			  "a stage was lost before the run was closed%s", deaths);
	object_add_string(outcome, "cause", "stage-lost");
	object_add(outcome, "evidence", evidence);
	object_add_integer(outcome, "exitCode", OUTCOME_EXIT_CODE);
	object_add_null(outcome, "signal");
	object_add_string(outcome, "state", "failed");
	object_add_string(outcome, "summary", summary.message);
	return outcome;
}

void closing_write_failed(const struct closing_place *place, const struct closing_loss *loss,
			  struct buf *out)
{
	struct json_object *payload = object_new();
	struct json_object *output = object_new();
	char deaths[256];

	describe_deaths(loss, deaths, sizeof(deaths));
	object_add_bool(output, "captured", false);
	object_add_null(output, "stderr");
	object_add_null(output, "stdin");
	object_add_null(output, "stdout");
	object_add(payload, "cleanup", array_new());
	object_add(payload, "errors", loss_errors(loss, deaths));
	object_add_integer(payload, "eventCount", (int64_t)place->seq + 1);
	object_add(payload, "outcome", loss_outcome(place, loss, deaths));
	object_add(payload, "output", output);
	write_event(place, EVENT_RUN_FAILED, EVENT_BY_SEAL, payload, out);
}
