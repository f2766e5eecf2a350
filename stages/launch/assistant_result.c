/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/canon.h"
#include "ipc/event.h"
#include "ipc/record.h"
#include "stages/launch/assistant.h"
#include "stages/launch/descriptor.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define CODE	     FAULT_RUN_LAUNCH
#define NS_PER_MS    1000000U
#define STATUS_EXEC  126 /* assistant.c, in the child */
#define STATUS_THERE 127

/* 0 and how it ended, or -1 when there was nothing to reap. */
static int reap(struct assistant *assistant, siginfo_t *info)
{
	int result = -1;

	memset(info, 0, sizeof *info);
	if (assistant->pid > 0)
		do
			result = waitid(P_PIDFD, (id_t)assistant->pidfd, info, WEXITED);
		while (result < 0 && errno == EINTR);
	assistant->pid = 0;
	return result;
}

void assistant_stop(struct assistant *assistant)
{
	siginfo_t info;

	/* Ended already is as good as killed. */
	if (assistant->pid > 0)
		(void)!pidfd_send_signal(assistant->pidfd, SIGKILL, NULL, 0);
	(void)reap(assistant, &info);
	descriptor_close(&assistant->pidfd);
	descriptor_close(&assistant->out_fd);
	descriptor_close(&assistant->stdin_fd);
	if (assistant->reading)
		record_reader_release(&assistant->reader);
	assistant->reading = false;
}

void assistant_tell(struct assistant *assistant, struct json_object *record)
{
	const struct record_sink sink = {.fd = assistant->stdin_fd, .record_fd = -1};
	struct fault ignored;

	if (record_send(&sink, record, RECORD_EVENT_MAX, &ignored) != FAULT_NONE)
		descriptor_close(&assistant->stdin_fd);
}

/* For poll(2), rounded up so that it never wakes before the deadline; 0 once it has passed. */
static int time_left_ms(uint64_t deadline_ns)
{
	uint64_t now_ns = event_boot_ns();
	uint64_t left_ms;

	if (now_ns >= deadline_ns)
		return 0;
	left_ms = (deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
	return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

/* Until fd has something to say. Output that came in time counts, whoever is late to look. */
static enum fault_code await(const struct assistant *assistant, int fd, uint64_t deadline_ns,
			     struct fault *fault)
{
	struct pollfd items[] = {
		{.fd = fd, .events = POLLIN},
		{.fd = assistant->interrupt_fd, .events = POLLIN},
		{.fd = assistant->control_fd > 0 ? assistant->control_fd : -1, .events = POLLIN}};
	int left_ms, ready;

	do {
		left_ms = time_left_ms(deadline_ns);
		ready = poll(items, sizeof items / sizeof items[0], left_ms);
	} while ((ready < 0 && errno == EINTR) || (ready == 0 && left_ms > 0));
	if (ready < 0)
		return fault_set_errno(fault, CODE, errno, assistant->path, "poll");
	/* Of the control pipe only words count: its last writer may be gone. */
	if (items[1].revents != 0 || (items[2].revents & POLLIN) != 0)
		return fault_set(fault, CODE, assistant->path,
				 "a signal ended the run while %s was at work", assistant->program);
	if (items[0].revents != 0)
		return FAULT_NONE;
	return fault_set(fault, CODE, assistant->path, "%s was not done in time and was ended",
			 assistant->program);
}

/* One that came together with the line before it: nothing more need become readable. */
static bool line_waits(const struct record_reader *reader)
{
	size_t len = reader->buf.len - reader->start;

	return len > 0 && memchr(reader->buf.data + reader->start, '\n', len) != NULL;
}

/* The next line, or *record NULL at the end of its output. */
static enum fault_code read_next(struct assistant *assistant, uint64_t deadline_ns,
				 struct json_object **record, struct fault *fault)
{
	enum record_status status = RECORD_AGAIN;
	enum fault_code code = FAULT_NONE;
	const char *line = NULL;
	size_t len = 0;

	*record = NULL;
	if (!assistant->reading)
		record_reader_init(&assistant->reader, assistant->out_fd, assistant->record_max);
	assistant->reading = true;
	while (code == FAULT_NONE && status == RECORD_AGAIN) {
		if (!line_waits(&assistant->reader))
			code = await(assistant, assistant->out_fd, deadline_ns, fault);
		if (code == FAULT_NONE)
			status = record_read_once(&assistant->reader, &line, &len, CODE, fault);
	}
	if (code != FAULT_NONE || status == RECORD_FAULT)
		return fault->code;
	return status == RECORD_LINE ? canon_parse(line, len, CODE, record, fault) : FAULT_NONE;
}

/* One whole line, and nothing behind it; *record stays NULL when there was nothing at all. */
static enum fault_code read_record(struct assistant *assistant, uint64_t deadline_ns,
				   struct json_object **record, struct fault *fault)
{
	struct json_object *more = NULL;
	enum fault_code code = read_next(assistant, deadline_ns, record, fault);

	if (code == FAULT_NONE && *record != NULL)
		code = read_next(assistant, deadline_ns, &more, fault);
	if (code == FAULT_NONE && more != NULL)
		code = fault_set(fault, CODE, assistant->path, "%s wrote more than one record",
				 assistant->program);
	json_object_put(more);
	return code;
}

static const char *text_of(struct json_object *object, const char *name, const char *otherwise)
{
	struct json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		(void)json_object_object_get_ex(object, name, &value);
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value)
							    : otherwise;
}

/* {"errors":[{"code","message","path"},...],...}: FAULT_NONE when it has none. */
static enum fault_code refusal(const struct assistant *assistant, struct json_object *record,
			       struct fault *fault)
{
	struct json_object *errors = NULL, *first;
	enum fault_code code;

	if (!json_object_is_type(record, json_type_object) ||
	    !json_object_object_get_ex(record, "errors", &errors) ||
	    !json_object_is_type(errors, json_type_array) || json_object_array_length(errors) == 0)
		return FAULT_NONE;
	first = json_object_array_get_idx(errors, 0);
	code = fault_code_parse(text_of(first, "code", ""));
	return fault_set(fault, code == FAULT_NONE ? CODE : code,
			 text_of(first, "path", assistant->path), "%s",
			 text_of(first, "message", "refused, without a word why"));
}

static enum fault_code check_end(const struct assistant *assistant, const siginfo_t *info,
				 struct json_object *record, struct fault *fault)
{
	enum fault_code code = refusal(assistant, record, fault);
	bool exited = info->si_code == CLD_EXITED;

	if (code != FAULT_NONE)
		return code;
	if (!exited)
		return fault_set(fault, CODE, assistant->path, "%s was killed by SIG%s%s",
				 assistant->program, sigabbrev_np(info->si_status) ?: "?",
				 info->si_status == SIGSYS ? ": its own filter caught it" : "");
	if (record == NULL && (info->si_status == STATUS_EXEC || info->si_status == STATUS_THERE))
		return fault_set(fault, FAULT_HOST_LACKS, assistant->path,
				 "%s cannot be started: it must lie beside sr-launch, executable",
				 assistant->program);
	if (info->si_status != 0)
		return fault_set(fault, CODE, assistant->path, "%s ended with status %d",
				 assistant->program, info->si_status);
	return record != NULL ? FAULT_NONE
			      : fault_set(fault, CODE, assistant->path, "%s told nothing",
					  assistant->program);
}

enum fault_code assistant_first(struct assistant *assistant, uint64_t deadline_ns,
				struct json_object **record, struct fault *fault)
{
	struct json_object *told = NULL;
	siginfo_t info;
	enum fault_code code = read_next(assistant, deadline_ns, &told, fault);

	if (code == FAULT_NONE && told != NULL)
		code = refusal(assistant, told, fault);
	/* It ended without a word: its status is the word. */
	if (code == FAULT_NONE && told == NULL)
		code = await(assistant, assistant->pidfd, deadline_ns, fault);
	if (code == FAULT_NONE && told == NULL)
		code = reap(assistant, &info) < 0
			       ? fault_set_errno(fault, CODE, errno, assistant->path,
						 "cannot wait for %s", assistant->program)
			       : check_end(assistant, &info, NULL, fault);
	if (code == FAULT_NONE)
		*record = told;
	else
		json_object_put(told);
	return code;
}

enum fault_code assistant_last(struct assistant *assistant, uint64_t deadline_ns,
			       struct json_object **record, struct fault *fault)
{
	enum fault_code code = assistant_first(assistant, deadline_ns, record, fault);
	siginfo_t info;

	if (code == FAULT_NONE && assistant->pid > 0) {
		(void)waitid(P_PIDFD, (id_t)assistant->pidfd, &info, WEXITED | WNOHANG);
		assistant->pid = 0;
	}
	assistant_stop(assistant);
	return code;
}

enum fault_code assistant_result(struct assistant *assistant, uint64_t deadline_ns,
				 struct json_object **record, struct fault *fault)
{
	struct json_object *told = NULL;
	enum fault_code code = read_record(assistant, deadline_ns, &told, fault);
	siginfo_t info;

	/* Its output is closed; its end may still be to come. */
	if (code == FAULT_NONE)
		code = await(assistant, assistant->pidfd, deadline_ns, fault);
	if (code == FAULT_NONE && reap(assistant, &info) < 0)
		code = fault_set_errno(fault, CODE, errno, assistant->path, "cannot wait for %s",
				       assistant->program);
	if (code == FAULT_NONE)
		code = check_end(assistant, &info, told, fault);
	assistant_stop(assistant);
	if (code == FAULT_NONE)
		*record = told;
	else
		json_object_put(told);
	return code;
}
