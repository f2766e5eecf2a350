/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/supervise.h"

#include "cmd/verb.h"
#include "ipc/object.h"
#include "ipc/record.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ENDS_BEFORE_KILL 3
#define RESULT_MAX	 (4 * RECORD_EVENT_MAX) /* as sr-seal's */

enum watch {
	WATCH_STAGES = PIPELINE_STAGE_COUNT, /* below: one pidfd for each stage */
	WATCH_SIGNALS = WATCH_STAGES,
	WATCH_RESULT,
	WATCH_COUNT
};

struct watching {
	struct pipeline *pipeline;
	struct signals *signals;
	struct tty *tty;
	const char *run_id;
	struct result *result;
	struct record_reader reader;
	struct fault fault; /* why the result cannot be used; code FAULT_NONE: it can */
	bool answered;
};

/* Best effort: a stage that no longer reads has ended, and that is seen on its pidfd. */
static void send_record(int fd, struct json_object *value)
{
	struct record_sink sink = {.fd = fd, .record_fd = -1};
	struct fault fault;

	if (fd >= 0 && record_send(&sink, value, RECORD_EVENT_MAX, &fault) != FAULT_NONE)
		return;
}

static void send_control(const struct watching *watching, int number)
{
	struct json_object *order OBJECT_CLEANUP = object_new();

	object_add_integer(order, "signal", number);
	send_record(watching->pipeline->control_fd, order);
}

static void take_signal(struct watching *watching, const struct signals_event *event)
{
	if (event->number == SIGWINCH) {
		tty_resize(watching->tty);
		return;
	}
	if (event->asks_end && watching->signals->ends > ENDS_BEFORE_KILL)
		process_kill(&watching->pipeline->stages[PIPELINE_LAUNCH]);
	else if (event->asks_end && watching->signals->ends == ENDS_BEFORE_KILL)
		send_control(watching, SIGKILL);
	else if (!event->from_terminal || watching->signals->apart)
		send_control(watching, event->number);
}

/* How a stage ended, for seal's stage.killed event, and in words for the caller. */
static void report_end(const struct watching *watching, const char *name,
		       const struct process_end *end)
{
	struct json_object *notice OBJECT_CLEANUP = object_new();
	char said[128];

	object_add_string(notice, "stage", name + strlen("sr-"));
	if (end->signalled) {
		object_add_integer(notice, "signal", end->number);
		object_add_null(notice, "status");
	} else {
		object_add_null(notice, "signal");
		object_add_integer(notice, "status", end->number);
	}
	send_record(watching->pipeline->notice_fd, notice);
	process_describe(name, end, said, sizeof(said));
	/* In raw mode a line feed does not return the carriage. */
	fprintf(stderr, watching->tty->raw ? "safe-run: %s\r\n" : "safe-run: %s\n", said);
}

static bool witnesses_run(const struct pipeline *pipeline)
{
	for (size_t i = 0; i < PIPELINE_SEAL; i++)
		if (process_runs(&pipeline->stages[i]))
			return true;
	return false;
}

static void take_end(struct watching *watching, enum pipeline_stage stage)
{
	struct pipeline *pipeline = watching->pipeline;
	const char *name = pipeline->stages[stage].name;
	struct process_end end = process_reap(&pipeline->stages[stage]);

	if (end.signalled || end.number > VERB_REFUSED)
		report_end(watching, name, &end);
	/* Seal reads its notices to the end before it gives a lost stage's run up. */
	if (!witnesses_run(pipeline) && pipeline->notice_fd >= 0) {
		close(pipeline->notice_fd);
		pipeline->notice_fd = -1;
	}
}

/* Seal's one record. Memory is asked for only with the caller's terminal as it was. */
static void take_result(struct watching *watching)
{
	const char *line;
	size_t len;

	tty_restore(watching->tty);
	switch (record_read_once(&watching->reader, &line, &len, FAULT_EVIDENCE_REPORT,
				 &watching->fault)) {
	case RECORD_LINE:
		if (watching->answered)
			fault_set(&watching->fault, FAULT_EVIDENCE_REPORT, "seal",
				  "sr-seal gave more than one result");
		else if (result_parse(line, len, watching->run_id, watching->result,
				      &watching->fault) == FAULT_NONE)
			watching->answered = true;
		return;
	case RECORD_AGAIN:
		return;
	case RECORD_END:
	case RECORD_FAULT:
		close(watching->pipeline->result_fd);
		watching->pipeline->result_fd = -1;
		return;
	}
}

static bool any_left(const struct pipeline *pipeline)
{
	return witnesses_run(pipeline) || process_runs(&pipeline->stages[PIPELINE_SEAL]) ||
	       pipeline->result_fd >= 0;
}

/*
 * The pipes end the stages one behind the other, so the last that runs is what there is to wait
 * for; those before it are reaped when it is gone. To be woken for each would cost more than all
 * the rest of this loop.
 */
static bool awaited(const struct pipeline *pipeline, enum pipeline_stage stage)
{
	if (stage == PIPELINE_SEAL)
		return true;
	for (enum pipeline_stage i = stage + 1; i < PIPELINE_SEAL; i++)
		if (process_runs(&pipeline->stages[i]))
			return false;
	return true;
}

static void watch_once(struct watching *watching)
{
	struct pipeline *pipeline = watching->pipeline;
	struct pollfd polled[WATCH_COUNT];
	struct signals_event event;

	for (enum pipeline_stage i = 0; i < PIPELINE_STAGE_COUNT; i++)
		polled[i] = (struct pollfd){
			.fd = awaited(pipeline, i) ? pipeline->stages[i].fd : -1, .events = POLLIN};
	polled[WATCH_SIGNALS] = (struct pollfd){.fd = watching->signals->fd, .events = POLLIN};
	polled[WATCH_RESULT] = (struct pollfd){.fd = pipeline->result_fd, .events = POLLIN};
	if (poll(polled, WATCH_COUNT, -1) <= 0)
		return;
	if (polled[WATCH_SIGNALS].revents != 0)
		while (signals_next(watching->signals, &event))
			take_signal(watching, &event);
	if (polled[WATCH_RESULT].revents != 0)
		take_result(watching);
	for (enum pipeline_stage i = 0; i < PIPELINE_STAGE_COUNT; i++)
		if (polled[i].revents != 0)
			take_end(watching, i);
}

void supervise(struct pipeline *pipeline, struct signals *signals, struct tty *tty,
	       const char *run_id, struct result *result)
{
	struct watching watching = {.pipeline = pipeline,
				    .signals = signals,
				    .tty = tty,
				    .run_id = run_id,
				    .result = result};

	record_reader_init(&watching.reader, pipeline->result_fd, RESULT_MAX);
	while (any_left(pipeline))
		watch_once(&watching);
	tty_restore(tty);
	record_reader_release(&watching.reader);
	if (watching.fault.code == FAULT_NONE && !watching.answered)
		fault_set(&watching.fault, FAULT_EVIDENCE_REPORT, "seal",
			  "sr-seal ended without a result: there is no report of this run");
	if (watching.fault.code == FAULT_NONE)
		return;
	result_fail(result, &watching.fault);
	result->summary = "the run was not sealed";
	result->cause = "stage-lost";
}
