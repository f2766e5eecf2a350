/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/monitor/outcome.h"

#include "ipc/object.h"
#include "stages/monitor/sentence.h"

#include <signal.h>
#include <string.h>

static const char *const cause_names[OUTCOME_CAUSE_COUNT] = {
	[OUTCOME_EXIT] = "exit",
	[OUTCOME_SIGNAL] = "signal",
	[OUTCOME_OOM] = "oom",
	[OUTCOME_TIMEOUT] = "timeout",
	[OUTCOME_CPU] = "cpu",
	[OUTCOME_PIDS] = "pids",
	[OUTCOME_OUTPUT] = "output",
	[OUTCOME_SECCOMP] = "seccomp",
	[OUTCOME_SETUP] = "setup",
	[OUTCOME_STAGE_LOST] = "stage-lost",
	[OUTCOME_INTERRUPTED] = "interrupted",
};

const char *outcome_cause_name(enum outcome_cause cause)
{
	return cause_names[cause];
}

enum outcome_stop outcome_stop_parse(const char *name)
{
	static const char *const names[OUTCOME_STOP_COUNT] = {
		[OUTCOME_STOP_NONE] = "",
		[OUTCOME_STOP_OUTPUT] = "output",
		[OUTCOME_STOP_INTERRUPTED] = "interrupted",
		[OUTCOME_STOP_MONITOR] = "monitor",
		[OUTCOME_STOP_GUEST] = "guest",
		[OUTCOME_STOP_NETWORK] = "network",
	};
	size_t stop = 0;

	while (name != NULL && stop < OUTCOME_STOP_COUNT && strcmp(name, names[stop]) != 0)
		stop++;
	return (enum outcome_stop)stop;
}

/* The status a shell would show. */
static int own_status(const struct outcome_facts *facts)
{
	return facts->signal != 0 ? OUTCOME_SIGNAL_STATUS + facts->signal : facts->exit_code;
}

/*
 * A signal the caller sent and the launcher passed on ended it: by itself, or by the convention of
 * shells that report a child's death in their own exit status.
 */
static bool is_interrupted(const struct outcome_facts *facts)
{
	int number = facts->signal != 0 ? facts->signal : facts->exit_code - OUTCOME_SIGNAL_STATUS;

	if (facts->stop == OUTCOME_STOP_INTERRUPTED)
		return true;
	return number > 0 && number < 64 && (facts->forwarded >> number & 1) != 0;
}

/* The counter of kills moved, and a kill is what the command ended with, or says a child did. */
static bool is_out_of_memory(const struct outcome_facts *facts)
{
	return facts->oom_kills > 0 && own_status(facts) == OUTCOME_SIGNAL_STATUS + SIGKILL;
}

static enum outcome_cause cause_of_end(const struct outcome_facts *facts)
{
	if (facts->deadline)
		return OUTCOME_TIMEOUT;
	if (facts->log.code != FAULT_NONE || facts->stop == OUTCOME_STOP_MONITOR ||
	    facts->stop == OUTCOME_STOP_GUEST || facts->stop == OUTCOME_STOP_NETWORK)
		return OUTCOME_STAGE_LOST;
	if (facts->output_exceeded || facts->stop == OUTCOME_STOP_OUTPUT)
		return OUTCOME_OUTPUT;
	if (is_interrupted(facts))
		return OUTCOME_INTERRUPTED;
	if (is_out_of_memory(facts))
		return OUTCOME_OOM;
	if (facts->signal == SIGSYS)
		return OUTCOME_SECCOMP;
	if (facts->pids_hits > 0 && own_status(facts) != 0)
		return OUTCOME_PIDS;
	if (facts->signal == SIGXCPU)
		return OUTCOME_CPU;
	return facts->signal != 0 ? OUTCOME_SIGNAL : OUTCOME_EXIT;
}

static enum outcome_cause cause_of(const struct outcome_facts *facts)
{
	if (facts->lost.code != FAULT_NONE || facts->closing == OUTCOME_OPEN)
		return OUTCOME_STAGE_LOST;
	if (!facts->exited || facts->step[0] != '\0')
		return OUTCOME_SETUP;
	enum outcome_cause cause = cause_of_end(facts);
	/* It ended well, but what the launcher says went wrong afterwards is no finished run. */
	if (cause == OUTCOME_EXIT && facts->exit_code == 0 && facts->closing == OUTCOME_FAILED)
		return OUTCOME_SETUP;
	return cause;
}

/* As shells and env(1) have it: 127 what is not there, 126 what is there and cannot run. */
static int setup_status(const struct outcome_facts *facts)
{
	if (facts->exec_errno[0] == '\0')
		return OUTCOME_FAILED_STATUS;
	return strcmp(facts->exec_errno, "ENOENT") == 0 ? OUTCOME_NOT_FOUND_STATUS
							: OUTCOME_NOT_EXECUTABLE_STATUS;
}

static int status_of(const struct outcome_facts *facts, enum outcome_cause cause)
{
	switch (cause) {
	case OUTCOME_TIMEOUT:
		return OUTCOME_TIMEOUT_STATUS;
	case OUTCOME_STAGE_LOST:
		return OUTCOME_FAILED_STATUS;
	case OUTCOME_SETUP:
		return setup_status(facts);
	case OUTCOME_OUTPUT: /* the same whether the kill or its own end came first */
		return OUTCOME_SIGNAL_STATUS + SIGKILL;
	case OUTCOME_EXIT:
	case OUTCOME_SIGNAL:
	case OUTCOME_OOM:
	case OUTCOME_CPU:
	case OUTCOME_PIDS:
	case OUTCOME_SECCOMP:
	case OUTCOME_INTERRUPTED:
	case OUTCOME_CAUSE_COUNT:
		break;
	}
	return own_status(facts);
}

void outcome_decide(const struct outcome_facts *facts, struct outcome *outcome)
{
	*outcome = (struct outcome){.cause = cause_of(facts)};
	outcome->exit_code = status_of(facts, outcome->cause);
	outcome->finished = outcome->cause == OUTCOME_EXIT && outcome->exit_code == 0;
	sentence_write(facts, outcome);
}

static struct json_object *evidence_of(const struct outcome *outcome,
				       const struct outcome_facts *facts)
{
	struct json_object *evidence = object_new();

	if (facts->exited) {
		object_add_bool(evidence, "deadline", facts->deadline);
		object_add_integer(evidence, "oomKills", (int64_t)facts->oom_kills);
		object_add_integer(evidence, "pidsMaxHits", (int64_t)facts->pids_hits);
		if (facts->has_exit_code)
			object_add_integer(evidence, "workloadExitCode", facts->exit_code);
		if (facts->signal != 0)
			object_add_integer(evidence, "signalNumber", facts->signal);
	}
	if (facts->syscall[0] != '\0')
		object_add_string(evidence, "syscall", facts->syscall);
	if (facts->output_exceeded)
		object_add_integer(evidence, "outputMax", (int64_t)facts->output_max);
	if (outcome->cause == OUTCOME_SETUP && facts->step[0] != '\0')
		object_add_string(evidence, "step", facts->step);
	if (facts->exec_errno[0] != '\0')
		object_add_string(evidence, "execErrno", facts->exec_errno);
	if (facts->lost.code != FAULT_NONE)
		object_add(evidence, "lost", fault_to_json(&facts->lost));
	return evidence;
}

struct json_object *outcome_to_json(const struct outcome *outcome,
				    const struct outcome_facts *facts)
{
	struct json_object *object = object_new();

	object_add_string(object, "cause", outcome_cause_name(outcome->cause));
	object_add(object, "evidence", evidence_of(outcome, facts));
	object_add_integer(object, "exitCode", outcome->exit_code);
	if (facts->exited && facts->signal != 0)
		object_add_string(object, "signal", facts->signal_name);
	else
		object_add_null(object, "signal");
	object_add_string(object, "state", outcome->finished ? "finished" : "failed");
	object_add_string(object, "summary", outcome->summary);
	return object;
}
