/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/stream.h"

#include "ipc/canon.h"
#include "ipc/record.h"
#include "stages/seal/notice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A report holds its events two levels down, and must be canonical itself. */
#define EVENT_DEPTH_MAX (CANON_DEPTH_MAX - 2)

void stream_init(struct stream *stream, int store_fd, bool durable)
{
	facts_init(&stream->facts);
	chain_init(&stream->chain);
	store_init(&stream->store, store_fd, durable);
	buf_init(&stream->withheld, RECORD_EVENT_MAX);
	buf_init(&stream->line, RECORD_EVENT_MAX + 64);
}

void stream_release(struct stream *stream)
{
	facts_release(&stream->facts);
	chain_release(&stream->chain);
	store_release(&stream->store);
	buf_release(&stream->withheld);
	buf_release(&stream->line);
}

static enum fault_code keep(struct stream *stream, const struct head *event,
			    const struct facts_sample *sample, struct fault *fault)
{
	const struct buf *pending = &stream->store.pending;
	size_t start = pending->len;

	chain_seal(&stream->chain, event, &stream->store.pending);
	if (stream->forward != NULL)
		forward_take(stream->forward, pending->data + start, pending->len - start);
	facts_take(&stream->facts, event, sample);
	return store_end_line(&stream->store, fault);
}

/* Write what is pending, and then the forward seal over it. */
static enum fault_code flush(struct stream *stream, struct fault *fault)
{
	enum fault_code failed = store_flush(&stream->store, fault);

	if (failed != FAULT_NONE || stream->forward == NULL)
		return failed;
	return forward_store(stream->forward, fault);
}

static enum fault_code settle(struct stream *stream, struct fault *fault)
{
	enum fault_code failed = store_sync(&stream->store, fault);

	if (failed != FAULT_NONE || stream->forward == NULL)
		return failed;
	return forward_settle(stream->forward, fault);
}

/* An event of seal's own making, in stream->line. One that is not acceptable is a bug of ours. */
static enum fault_code keep_own(struct stream *stream, struct fault *fault)
{
	struct facts_sample sample;
	struct head event;

	if (head_read(stream->line.data, stream->line.len, HEAD_TRAVELLING, FAULT_EVIDENCE_EVENT,
		      &event, fault) != FAULT_NONE ||
	    facts_admit(&stream->facts, &event, FAULT_EVIDENCE_EVENT, &sample, fault) != FAULT_NONE)
		abort();
	return keep(stream, &event, &sample, fault);
}

static struct closing_place next_place(const struct stream *stream)
{
	struct closing_place place = {
		.run_id = stream->facts.count > 0 ? stream->facts.run_id : stream->run_id,
		.seq = stream->facts.count,
		.boot_ns_min = stream->facts.boot_ns,
		.boot_ns_max = UINT64_MAX,
	};

	if (stream->recorded != NULL)
		recorded_place(stream->recorded, &place);
	return place;
}

/* What only seal asks of an event, beside facts_admit. */
static enum fault_code check_travelling(const struct stream *stream, const struct head *event,
					struct facts_sample *sample, struct fault *fault)
{
	const enum fault_code code = FAULT_EVIDENCE_EVENT;
	struct span value;

	if (stream->withheld.len > 0)
		return fault_set(fault, code, "", "an event stands behind the closing one");
	if (event->depth > EVENT_DEPTH_MAX)
		return fault_set(fault, code, "", "the event is nested deeper than %d",
				 EVENT_DEPTH_MAX);
	if (stream->run_id_fixed && !span_equal(event->run_id, stream->run_id))
		return fault_set(fault, code, "runId", "%.*s, but the run is %s",
				 (int)event->run_id.len, event->run_id.at, stream->run_id);
	if (event_type_closes(event->type) && span_member(event->payload, "eventCount", &value))
		return fault_set(fault, code, "payload.eventCount", "only sr-seal counts events");
	return facts_admit(&stream->facts, event, code, sample, fault);
}

/* Remember what was refused, and by its hash which bytes they were. */
static void refuse(struct stream *stream, const char *line, size_t len)
{
	uint64_t index = stream->facts.count + (stream->withheld.len > 0 ? 1 : 0);
	uint8_t value[DIGEST_SIZE];

	head_place(&stream->refused, index);
	stream->loss.refused = &stream->refused;
	if (line == NULL)
		return;
	digest_bytes(line, len, value);
	digest_text(value, stream->loss.refused_hash);
}

/* A stream whose run id is known only from a record that is refused still names its run. */
static void learn_run_id(struct stream *stream, const struct head *event)
{
	if (stream->facts.count == 0 && !stream->run_id_fixed)
		(void)span_copy(event->run_id, stream->run_id, sizeof(stream->run_id));
}

static enum fault_code take_line(struct stream *stream, const char *line, size_t len,
				 struct fault *fault)
{
	struct facts_sample sample;
	struct head event;

	if (head_read(line, len, HEAD_TRAVELLING, FAULT_EVIDENCE_EVENT, &event, &stream->refused) !=
	    FAULT_NONE) {
		refuse(stream, line, len);
		return FAULT_NONE;
	}
	learn_run_id(stream, &event);
	if (check_travelling(stream, &event, &sample, &stream->refused) != FAULT_NONE) {
		refuse(stream, line, len);
		return FAULT_NONE;
	}
	if (event_type_closes(event.type)) {
		buf_append(&stream->withheld, line, len);
		stream->withheld_boot_ns = event.boot_ns;
		return FAULT_NONE;
	}
	if (keep(stream, &event, &sample, fault) != FAULT_NONE)
		return fault->code;
	/* The workload starts behind this one: what it was given must survive the machine. */
	return event.type == EVENT_RUN_PREPARED ? settle(stream, fault) : FAULT_NONE;
}

static bool line_waits(const struct record_reader *reader)
{
	size_t left = reader->buf.len - reader->scanned;

	return left > 0 && memchr(reader->buf.data + reader->scanned, '\n', left) != NULL;
}

/* What was read is written before the next read, so that a kill loses nothing that had come. */
static enum fault_code read_stream(struct stream *stream, struct record_reader *reader,
				   struct fault *fault)
{
	while (stream->loss.refused == NULL) {
		enum fault_code failed = FAULT_NONE;
		const char *line;
		size_t len;

		if (!line_waits(reader))
			failed = flush(stream, fault);
		if (failed != FAULT_NONE)
			return failed;
		switch (record_read_once(reader, &line, &len, FAULT_EVIDENCE_EVENT,
					 &stream->refused)) {
		case RECORD_LINE:
			failed = take_line(stream, line, len, fault);
			break;
		case RECORD_AGAIN:
			break;
		case RECORD_END:
			return FAULT_NONE;
		case RECORD_FAULT:
			refuse(stream, NULL, 0);
			break;
		}
		if (failed != FAULT_NONE)
			return failed;
	}
	return FAULT_NONE;
}

/* The stream brought a closing event of its own, and nothing speaks against it. */
static bool closes_itself(const struct stream *stream)
{
	return stream->withheld.len > 0 && stream->loss.refused == NULL;
}

static enum fault_code keep_deaths(struct stream *stream, struct fault *fault)
{
	enum fault_code failed = FAULT_NONE;

	for (size_t i = 0; failed == FAULT_NONE && i < stream->loss.death_count; i++) {
		struct closing_place place = next_place(stream);

		if (closes_itself(stream))
			place.boot_ns_max = stream->withheld_boot_ns;
		closing_write_death(&place, &stream->loss.deaths[i], &stream->line);
		failed = keep_own(stream, fault);
	}
	return failed;
}

static bool lost_stage(const struct stream *stream)
{
	struct span line = {.at = stream->withheld.data, .len = stream->withheld.len};
	struct span outcome;

	if (!closes_itself(stream))
		return true;
	outcome = span_get(span_get(line, "payload"), "outcome");
	return span_says(span_get(outcome, "cause"), "stage-lost");
}

static enum fault_code close_own(struct stream *stream, struct fault *fault)
{
	struct closing_place place = next_place(stream);

	closing_write_failed(&place, &stream->loss, &stream->line);
	return keep_own(stream, fault);
}

static enum fault_code close_withheld(struct stream *stream, struct fault *fault)
{
	struct head event;

	if (head_read(stream->withheld.data, stream->withheld.len, HEAD_TRAVELLING,
		      FAULT_EVIDENCE_EVENT, &event, fault) != FAULT_NONE)
		abort(); /* it was read before */
	closing_complete(&event, stream->facts.count, &stream->line);
	return keep_own(stream, fault);
}

static void repeat_deaths(struct stream *stream)
{
	const struct recorded *recorded = stream->recorded;

	memcpy(stream->loss.deaths, recorded->deaths, sizeof(recorded->deaths));
	stream->loss.death_count = recorded->death_count;
}

static enum fault_code close_stream(struct stream *stream, int notice_fd, struct fault *fault)
{
	struct fault notice_fault;
	enum fault_code failed = FAULT_NONE;

	stream->loss.withheld = stream->withheld.len > 0;
	if (stream->facts.count == 0) {
		struct closing_place place = next_place(stream);

		closing_write_compile(&place, stream->nonce, stream->loss.refused, &stream->line);
		failed = keep_own(stream, fault);
	}
	if (failed == FAULT_NONE && lost_stage(stream)) {
		if (notice_fd >= 0)
			notice_read_all(notice_fd, &stream->loss, &notice_fault);
		else if (stream->recorded != NULL)
			repeat_deaths(stream);
		failed = keep_deaths(stream, fault);
	}
	if (failed == FAULT_NONE)
		failed = stream->loss.withheld && stream->loss.refused == NULL
				 ? close_withheld(stream, fault)
				 : close_own(stream, fault);
	if (failed == FAULT_NONE)
		failed = store_flush(&stream->store, fault);
	if (failed == FAULT_NONE && stream->forward != NULL)
		failed = forward_close(stream->forward, fault);
	return failed;
}

enum fault_code stream_seal(struct stream *stream, int fd, int notice_fd, struct fault *fault)
{
	struct record_reader reader;
	enum fault_code failed;

	record_reader_init(&reader, fd, RECORD_EVENT_MAX);
	failed = read_stream(stream, &reader, fault);
	record_reader_release(&reader);
	(void)close(fd); /* nothing more is read: a writer still there must notice */
	return failed == FAULT_NONE ? close_stream(stream, notice_fd, fault) : failed;
}
