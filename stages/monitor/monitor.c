/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/monitor/monitor.h"

#include "ipc/object.h"
#include "stages/monitor/closing.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * A launcher that closed its run has left no process behind, so what the pipes hold is all there
 * is. One that was killed has not; the kernel ends the workload for it (PDEATHSIG), soon.
 */
#define LOST_DRAIN_MS 2000

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void start(struct monitor *monitor, struct record_sink sink)
{
	struct monitor_wiring *wiring = &monitor->wiring;
	bool terminal = wiring->terminal_fd >= 0;

	monitor->writer = (struct event_writer){.sink = sink, .stage = "monitor"};
	witness_init(&monitor->witness, &monitor->writer);
	record_reader_init(&monitor->reader, STDIN_FILENO, RECORD_EVENT_MAX);
	monitor->reading = true;
	monitor->budget.max = UINT64_MAX; /* until the launcher says what the policy allows */
	relay_init(&monitor->out, "stdout", &monitor->budget,
		   terminal ? wiring->terminal_fd : wiring->out_fd, wiring->out_log_fd,
		   wiring->copy_out);
	relay_init(&monitor->err, "stderr", &monitor->budget, wiring->err_fd, wiring->err_log_fd,
		   wiring->copy_err);
	input_init(&monitor->input, wiring->copy_in, terminal ? wiring->terminal_fd : wiring->in_fd,
		   terminal);
}

void monitor_release(struct monitor *monitor)
{
	input_release(&monitor->input);
	relay_release(&monitor->out);
	relay_release(&monitor->err);
	record_reader_release(&monitor->reader);
	witness_release(&monitor->witness);
	sampler_release(&monitor->sampler);
}

/*
 * Ask the launcher to end the run. A launcher that is gone cannot be told, and need not be; the
 * reasons are "output" (the policy's limit) and "monitor" (what we are here for is no longer done).
 */
static void send_stop(struct monitor *monitor, const char *reason)
{
	struct record_sink control = {.fd = monitor->wiring.control_fd, .record_fd = -1};
	struct fault ignored;

	if (control.fd < 0 || monitor->stop_sent)
		return;
	monitor->stop_sent = true;
	struct json_object *record OBJECT_CLEANUP = object_new();
	object_add_string(record, "stop", reason);
	(void)!record_send(&control, record, RECORD_EVENT_MAX, &ignored);
}

/* What the last record changed for the other parts. */
static void follow(struct monitor *monitor)
{
	struct witness *witness = &monitor->witness;
	struct fault why;

	if (witness->facts.output_max > 0)
		monitor->budget.max = witness->facts.output_max;
	if (witness->cgroup != NULL) {
		if (sampler_open(&monitor->sampler, witness->cgroup, monitor->writer.run_id,
				 FAULT_RUN_LAUNCH, &why) != FAULT_NONE)
			witness_lose(witness, &why);
		object_release(&witness->cgroup);
	}
	if (witness->started) {
		sampler_start(&monitor->sampler, now_ms());
		witness->started = false;
	}
	if (witness->facts.exited) {
		sampler_stop(&monitor->sampler);
		input_close(&monitor->input);
	}
	if (witness->facts.lost.code != FAULT_NONE)
		send_stop(monitor, "monitor");
}

static void end_reading(struct monitor *monitor)
{
	bool closed = monitor->witness.facts.closing != OUTCOME_OPEN;

	monitor->reading = false;
	monitor->drain_ms = now_ms() + (closed ? 0 : LOST_DRAIN_MS);
	sampler_stop(&monitor->sampler);
	input_close(&monitor->input);
}

/* After a record that cannot be read nothing more is; the rest is drained, for the launcher's sake.
 */
static void discard(struct monitor *monitor)
{
	char waste[4096];
	ssize_t got = read(STDIN_FILENO, waste, sizeof(waste));

	if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
		end_reading(monitor);
}

/* Reading once more without one could wait: poll(2) promised a single read. */
static bool line_waiting(const struct record_reader *reader)
{
	size_t len = reader->buf.len - reader->start;

	return len > 0 && memchr(reader->buf.data + reader->start, '\n', len) != NULL;
}

static enum fault_code read_records(struct monitor *monitor, struct fault *fault)
{
	const char *line = NULL;
	size_t len = 0;
	struct fault why;
	enum fault_code code = FAULT_NONE;

	if (monitor->witness.facts.lost.code != FAULT_NONE) {
		discard(monitor);
		return FAULT_NONE;
	}
	do {
		enum record_status status =
			record_read_once(&monitor->reader, &line, &len, FAULT_RUN_LAUNCH, &why);
		if (status == RECORD_LINE)
			code = witness_take(&monitor->witness, line, len, fault);
		else if (status == RECORD_FAULT)
			witness_lose(&monitor->witness, &why);
		else if (status == RECORD_END)
			end_reading(monitor);
		follow(monitor);
	} while (code == FAULT_NONE && line_waiting(&monitor->reader) &&
		 monitor->witness.facts.lost.code == FAULT_NONE);
	return code;
}

static enum fault_code tell_truncation(struct monitor *monitor, struct relay *relay, bool *told,
				       struct fault *fault)
{
	struct outcome_facts *facts = &monitor->witness.facts;

	if (relay->truncation == RELAY_WHOLE || *told)
		return FAULT_NONE;
	*told = true;
	if (relay->truncation == RELAY_LIMIT) {
		facts->output_exceeded = true;
		send_stop(monitor, "output");
	}
	if (relay->truncation == RELAY_FILE) {
		char path[FAULT_PATH_SIZE];

		(void)snprintf(path, sizeof(path), "monitor.%s", relay->name);
		(void)fault_set_errno(&facts->log, FAULT_EVIDENCE_EVENT, relay->log_errno, path,
				      "its %s can no longer be written to the log", relay->name);
		send_stop(monitor, "monitor");
	}
	return witness_emit(&monitor->witness, EVENT_OUTPUT_TRUNCATED,
			    relay_truncation_to_json(relay), fault);
}

static enum fault_code sample(struct monitor *monitor, struct fault *fault)
{
	struct json_object *payload = sampler_take(&monitor->sampler, now_ms());

	if (payload == NULL)
		return FAULT_NONE;
	return witness_emit(&monitor->witness, EVENT_RESOURCE_SAMPLED, payload, fault);
}

/* Output that does not come, when nobody is left to write it, is not waited for. */
static void stop_waiting(struct monitor *monitor, const struct pollset *set)
{
	if (monitor->reading || now_ms() < monitor->drain_ms)
		return;
	if (relay_idle(&monitor->out, set))
		relay_abandon(&monitor->out);
	if (relay_idle(&monitor->err, set))
		relay_abandon(&monitor->err);
}

static int timeout_ms(const struct monitor *monitor)
{
	uint64_t now = now_ms();

	if (monitor->reading)
		return sampler_timeout(&monitor->sampler, now);
	bool drains = monitor->out.source_fd >= 0 || monitor->err.source_fd >= 0;
	bool hands_on = monitor->out.copy_place != POLLSET_NOT_WAITING ||
			monitor->err.copy_place != POLLSET_NOT_WAITING;
	if (hands_on || !drains)
		return -1;
	return now < monitor->drain_ms ? (int)(monitor->drain_ms - now) : 0;
}

static enum fault_code run_streams(struct monitor *monitor, const struct pollset *set,
				   struct fault *fault)
{
	relay_run(&monitor->out, set);
	relay_run(&monitor->err, set);
	if (monitor->out.source_fd < 0 && monitor->input.is_terminal)
		input_close(&monitor->input); /* the same descriptor */
	input_run(&monitor->input, set);
	enum fault_code code = tell_truncation(monitor, &monitor->out, &monitor->told_out, fault);
	if (code == FAULT_NONE)
		code = tell_truncation(monitor, &monitor->err, &monitor->told_err, fault);
	return code;
}

static enum fault_code run_once(struct monitor *monitor, struct fault *fault)
{
	struct pollset set = {.count = 0};
	nfds_t place =
		monitor->reading ? pollset_add(&set, STDIN_FILENO, POLLIN) : POLLSET_NOT_WAITING;
	/* No events asked: POLLERR comes by itself, once nobody reads the records any more. */
	nfds_t next = pollset_add(&set, STDOUT_FILENO, 0);
	enum fault_code code = FAULT_NONE;

	relay_wait(&monitor->out, &set);
	relay_wait(&monitor->err, &set);
	input_wait(&monitor->input, &set);
	if (poll(set.entries, set.count, timeout_ms(monitor)) < 0)
		return FAULT_NONE; /* EINTR: stopped and continued */
	if (pollset_answer(&set, next) != 0)
		return fault_set(fault, FAULT_EVIDENCE_EVENT, "monitor.events",
				 "the stage behind is gone: nobody is left to seal the run");
	if (pollset_answer(&set, place) != 0)
		code = read_records(monitor, fault);
	if (code == FAULT_NONE)
		code = run_streams(monitor, &set, fault);
	if (code == FAULT_NONE)
		code = sample(monitor, fault);
	stop_waiting(monitor, &set);
	return code;
}

static enum fault_code close_run(struct monitor *monitor, struct fault *fault)
{
	const struct monitor_wiring *wiring = &monitor->wiring;
	struct outcome outcome;

	if (monitor->writer.run_id[0] == '\0')
		return fault_set(fault, FAULT_RUN_LAUNCH, "monitor.events", "%s",
				 monitor->witness.facts.lost.code != FAULT_NONE
					 ? monitor->witness.facts.lost.message
					 : "the launcher's stream is empty");
	outcome_decide(&monitor->witness.facts, &outcome);
	bool captured = wiring->terminal_fd >= 0 || (wiring->out_fd >= 0 && wiring->err_fd >= 0);
	return witness_emit(
		&monitor->witness, outcome.finished ? EVENT_RUN_CLEANED : EVENT_RUN_FAILED,
		closing_payload(&monitor->witness, &outcome, &monitor->out, &monitor->err,
				&monitor->input, captured, monitor->sampler.open_errno),
		fault);
}

enum fault_code monitor_run(struct monitor *monitor, struct record_sink sink, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	start(monitor, sink);
	while (code == FAULT_NONE &&
	       (monitor->reading || !relay_done(&monitor->out) || !relay_done(&monitor->err)))
		code = run_once(monitor, fault);
	return code != FAULT_NONE ? code : close_run(monitor, fault);
}
