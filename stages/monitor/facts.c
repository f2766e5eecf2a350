/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/monitor/facts.h"

#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define STATUS_MAX 255
#define SIGNAL_MAX 64

struct json_object *facts_member(struct json_object *object, const char *name, enum json_type type)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, name, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

/* 0 when it is not there, "max", or negative. */
static uint64_t get_count(struct json_object *object, const char *name)
{
	int64_t value = json_object_get_int64(facts_member(object, name, json_type_int));

	return value > 0 ? (uint64_t)value : 0;
}

static bool get_flag(struct json_object *object, const char *name)
{
	return json_object_get_boolean(facts_member(object, name, json_type_boolean)) != 0;
}

/* "" when it is not there. Short names only: what is not printable ASCII becomes "?". */
static void get_text(struct json_object *object, const char *name, char *out, size_t size)
{
	struct json_object *value = facts_member(object, name, json_type_string);

	(void)snprintf(out, size, "%s", value != NULL ? json_object_get_string(value) : "");
	for (; *out != '\0'; out++) {
		if (*out < ' ' || *out > '~')
			*out = '?';
	}
}

/* The first of an array of errors; a list that holds none leaves out as it is. */
static void get_error(struct json_object *errors, struct fault *out)
{
	struct json_object *first = json_object_array_get_idx(errors, 0);
	struct json_object *code = facts_member(first, "code", json_type_string);
	struct json_object *path = facts_member(first, "path", json_type_string);
	struct json_object *message = facts_member(first, "message", json_type_string);

	if (code == NULL || path == NULL || message == NULL)
		return;
	enum fault_code known = fault_code_parse(json_object_get_string(code));
	if (known != FAULT_NONE)
		(void)fault_set(out, known, json_object_get_string(path), "%s",
				json_object_get_string(message));
}

void facts_from_compile(struct outcome_facts *facts, struct json_object *payload)
{
	struct json_object *summary = facts_member(payload, "policySummary", json_type_object);
	struct json_object *errors = facts_member(payload, "errors", json_type_array);

	facts->memory_max = get_count(summary, "memoryMax");
	facts->pids_max = get_count(summary, "pidsMax");
	facts->output_max = get_count(summary, "outputMax");
	facts->timeout_sec = get_count(summary, "timeoutSec");
	get_text(summary, "seccomp", facts->seccomp, sizeof(facts->seccomp));
	if (errors != NULL)
		get_error(errors, &facts->refused);
}

static int signal_number(const char *name)
{
	for (int number = 1; number < SIGNAL_MAX; number++) {
		const char *abbreviation = sigabbrev_np(number);

		if (abbreviation != NULL && strncmp(name, "SIG", 3) == 0 &&
		    strcmp(name + 3, abbreviation) == 0)
			return number;
	}
	return 0;
}

static uint64_t signal_set(struct json_object *names)
{
	uint64_t set = 0;
	size_t count = names != NULL ? json_object_array_length(names) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *name = json_object_array_get_idx(names, i);

		if (json_object_is_type(name, json_type_string))
			set |= (uint64_t)1 << signal_number(json_object_get_string(name));
	}
	return set & ~(uint64_t)1; /* a name nobody knows is number 0 */
}

static bool get_end(struct outcome_facts *facts, struct json_object *payload)
{
	struct json_object *code = facts_member(payload, "exitCode", json_type_int);
	uint64_t number = get_count(payload, "signalNumber");

	if (code != NULL) {
		int64_t status = json_object_get_int64(code);

		facts->has_exit_code = status >= 0 && status <= STATUS_MAX;
		facts->exit_code = facts->has_exit_code ? (int)status : 0;
	}
	if (number > 0 && number <= SIGNAL_MAX) {
		facts->signal = (int)number;
		get_text(payload, "signal", facts->signal_name, sizeof(facts->signal_name));
	}
	return facts->has_exit_code || facts->signal != 0;
}

static void get_setup(struct outcome_facts *facts, struct json_object *setup)
{
	get_text(setup, "step", facts->step, sizeof(facts->step));
	if (facts->step[0] == '\0')
		(void)snprintf(facts->step, sizeof(facts->step), "launch");
}

enum fault_code facts_from_exit(struct outcome_facts *facts, struct json_object *payload,
				struct fault *fault)
{
	struct json_object *setup = facts_member(payload, "setup", json_type_object);
	struct json_object *stop = facts_member(payload, "stopReason", json_type_string);

	if (facts->exited)
		return fault_set(fault, FAULT_RUN_LAUNCH, "type", "is a second vm.exited");
	facts->exited = true;
	facts->deadline = get_flag(payload, "deadline");
	facts->core_dumped = get_flag(payload, "coreDumped");
	facts->oom_kills = get_count(payload, "oomKills");
	facts->pids_hits = get_count(payload, "pidsMaxHits");
	facts->forwarded = signal_set(facts_member(payload, "forwarded", json_type_array));
	get_text(payload, "syscall", facts->syscall, sizeof(facts->syscall));
	facts->stop =
		stop != NULL ? outcome_stop_parse(json_object_get_string(stop)) : OUTCOME_STOP_NONE;
	if (facts->stop == OUTCOME_STOP_COUNT)
		return fault_set(fault, FAULT_RUN_LAUNCH, "payload.stopReason",
				 "is no reason anybody knows");
	if (setup != NULL)
		get_setup(facts, setup);
	if (!get_end(facts, payload) && setup == NULL)
		return fault_set(fault, FAULT_RUN_LAUNCH, "payload.exitCode",
				 "there is neither an exit status nor a signal");
	return FAULT_NONE;
}

void facts_from_closing(struct outcome_facts *facts, enum event_type type,
			struct json_object *payload)
{
	struct json_object *errors = facts_member(payload, "errors", json_type_array);

	facts->closing = type == EVENT_RUN_CLEANED ? OUTCOME_CLEANED : OUTCOME_FAILED;
	if (type == EVENT_RUN_CLEANED)
		return;
	if (facts->step[0] == '\0' && !facts->exited)
		get_text(payload, "step", facts->step, sizeof(facts->step));
	get_text(payload, "execErrno", facts->exec_errno, sizeof(facts->exec_errno));
	if (errors != NULL)
		get_error(errors, &facts->refused);
}
