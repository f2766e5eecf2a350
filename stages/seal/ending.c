/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/ending.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define SIGNAL_MAX    64
#define STATUS_MAX    255
#define STATUS_SIGNAL 128

enum cause {
	CAUSE_EXIT,
	CAUSE_SIGNAL,
	CAUSE_OOM,
	CAUSE_TIMEOUT,
	CAUSE_CPU,
	CAUSE_PIDS,
	CAUSE_OUTPUT,
	CAUSE_SECCOMP,
	CAUSE_SETUP,
	CAUSE_STAGE_LOST,
	CAUSE_INTERRUPTED,
	CAUSE_COUNT
};

static const char *const cause_names[CAUSE_COUNT] = {
	[CAUSE_EXIT] = "exit",
	[CAUSE_SIGNAL] = "signal",
	[CAUSE_OOM] = "oom",
	[CAUSE_TIMEOUT] = "timeout",
	[CAUSE_CPU] = "cpu",
	[CAUSE_PIDS] = "pids",
	[CAUSE_OUTPUT] = "output",
	[CAUSE_SECCOMP] = "seccomp",
	[CAUSE_SETUP] = "setup",
	[CAUSE_STAGE_LOST] = "stage-lost",
	[CAUSE_INTERRUPTED] = "interrupted",
};

static const char *const stop_names[ENDING_STOP_COUNT] = {
	[ENDING_STOP_NONE] = "",
	[ENDING_STOP_OUTPUT] = "output",
	[ENDING_STOP_INTERRUPTED] = "interrupted",
	[ENDING_STOP_MONITOR] = "monitor",
	[ENDING_STOP_GUEST] = "guest",
	[ENDING_STOP_NETWORK] = "network",
};

static enum ending_stop stop_of(struct span value)
{
	size_t stop = ENDING_STOP_OUTPUT;

	if (span_null(value))
		return ENDING_STOP_NONE;
	while (stop < ENDING_STOP_COUNT && !span_says(value, stop_names[stop]))
		stop++;
	return (enum ending_stop)stop;
}

/* As the launcher names signals: those without a name by their number. */
static void name_signal(int64_t number, char out[24])
{
	const char *name = sigabbrev_np((int)number);

	if (name != NULL)
		(void)snprintf(out, 24, "SIG%s", name);
	else
		(void)snprintf(out, 24, "SIG%" PRId64, number);
}

enum fault_code ending_check_exited(struct span payload, enum fault_code code, struct fault *fault)
{
	struct span status = span_get(payload, "exitCode"), name = span_get(payload, "signal");
	struct span signal = span_get(payload, "signalNumber");
	int64_t number = 0;
	char expected[24];

	if (!span_null(status) && !(span_null(name) && span_null(signal)))
		return fault_set(fault, code, "payload.signal",
				 "an exit code and a signal as well");
	if (span_null(name) != span_null(signal))
		return fault_set(fault, code, "payload.signal", "a signal has a name and a number");
	if (span_null(status) && span_null(signal) &&
	    span_kind(span_get(payload, "setup")) != SPAN_OBJECT)
		return fault_set(fault, code, "payload.exitCode",
				 "neither an exit code nor a signal");
	if (!span_null(status) && (!span_integer(status, &number) || number > STATUS_MAX))
		return fault_set(fault, code, "payload.exitCode", "an exit code is 0 to 255");
	if (!span_null(signal)) {
		if (!span_integer(signal, &number) || number < 1 || number > SIGNAL_MAX)
			return fault_set(fault, code, "payload.signalNumber", "a signal is 1 to %d",
					 SIGNAL_MAX);
		name_signal(number, expected);
		if (!span_says(name, expected))
			return fault_set(fault, code, "payload.signal", "signal %" PRId64 " is %s",
					 number, expected);
	} else if (span_equal(span_get(payload, "coreDumped"), "true")) {
		return fault_set(fault, code, "payload.coreDumped", "only a signal dumps core");
	}
	if (stop_of(span_get(payload, "stopReason")) == ENDING_STOP_COUNT)
		return fault_set(fault, code, "payload.stopReason", "there is no such reason");
	return FAULT_NONE;
}

enum fault_code ending_check_truncated(struct span payload, enum fault_code code,
				       struct fault *fault)
{
	static const char *const reasons[] = {"limit", "caller-closed", "caller-failed", "file"};
	struct span reason = span_get(payload, "reason"), stream = span_get(payload, "stream");
	size_t i = 0;

	while (i < sizeof(reasons) / sizeof(reasons[0]) && !span_says(reason, reasons[i]))
		i++;
	if (i == sizeof(reasons) / sizeof(reasons[0]))
		return fault_set(fault, code, "payload.reason", "there is no such reason");
	if (!span_says(stream, "stdout") && !span_says(stream, "stderr") &&
	    !span_says(stream, "console"))
		return fault_set(fault, code, "payload.stream", "stdout, stderr or console");
	return FAULT_NONE;
}

static uint64_t signal_bit(struct span value)
{
	for (int number = 1; number < SIGNAL_MAX; number++) {
		char name[24];

		name_signal(number, name);
		if (sigabbrev_np(number) != NULL && span_says(value, name))
			return UINT64_C(1) << number;
	}
	return 0;
}

void ending_take_exited(struct ending *ending, struct span payload)
{
	struct span name, forwarded;
	struct span_walk walk;

	ending->exited = true;
	ending->setup = span_kind(span_get(payload, "setup")) == SPAN_OBJECT;
	ending->deadline = span_equal(span_get(payload, "deadline"), "true");
	ending->has_status = span_integer(span_get(payload, "exitCode"), &ending->status);
	if (span_integer(span_get(payload, "signalNumber"), &ending->signal) &&
	    span_string(span_get(payload, "signal"), &name))
		(void)span_copy(name, ending->signal_name, sizeof(ending->signal_name));
	ending->stop = stop_of(span_get(payload, "stopReason"));
	(void)span_integer(span_get(payload, "oomKills"), &ending->oom_kills);
	(void)span_integer(span_get(payload, "pidsMaxHits"), &ending->pids_hits);
	if (span_walk_array(span_get(payload, "forwarded"), &walk))
		while (span_next_element(&walk, &forwarded))
			ending->forwarded |= signal_bit(forwarded);
}

void ending_take_truncated(struct ending *ending, struct span payload)
{
	/* A machine's console is nobody's output. */
	if (span_says(span_get(payload, "stream"), "console"))
		return;
	ending->output_exceeded |= span_says(span_get(payload, "reason"), "limit");
	ending->log_failed |= span_says(span_get(payload, "reason"), "file");
}

/* The status a shell would show. */
static int64_t own_status(const struct ending *ending)
{
	return ending->signal != 0 ? STATUS_SIGNAL + ending->signal : ending->status;
}

static bool never_ran(const struct ending *ending)
{
	return !ending->exited || ending->setup;
}

static bool at_deadline(const struct ending *ending)
{
	return ending->deadline;
}

static bool stopped_by_monitor(const struct ending *ending)
{
	return ending->log_failed || ending->stop == ENDING_STOP_MONITOR ||
	       ending->stop == ENDING_STOP_GUEST || ending->stop == ENDING_STOP_NETWORK;
}

static bool stopped_for_output(const struct ending *ending)
{
	return ending->output_exceeded || ending->stop == ENDING_STOP_OUTPUT;
}

/* By a signal that was passed on, or by a shell's way of saying so of its child. */
static bool interrupted(const struct ending *ending)
{
	int64_t number = own_status(ending) - STATUS_SIGNAL;

	return ending->stop == ENDING_STOP_INTERRUPTED ||
	       (number > 0 && number < SIGNAL_MAX && (ending->forwarded >> number & 1) != 0);
}

static bool out_of_memory(const struct ending *ending)
{
	return ending->oom_kills > 0 && own_status(ending) == STATUS_SIGNAL + SIGKILL;
}

static bool by_filter(const struct ending *ending)
{
	return ending->signal == SIGSYS;
}

static bool short_of_processes(const struct ending *ending)
{
	return ending->pids_hits > 0 && own_status(ending) != 0;
}

static bool out_of_time(const struct ending *ending)
{
	return ending->signal == SIGXCPU;
}

static bool by_signal(const struct ending *ending)
{
	return ending->signal != 0;
}

/* The first that holds is the cause; when none does, the command exited. */
static const struct {
	bool (*holds)(const struct ending *ending);
	enum cause cause;
} rules[] = {
	{never_ran, CAUSE_SETUP},
	{at_deadline, CAUSE_TIMEOUT},
	{stopped_by_monitor, CAUSE_STAGE_LOST},
	{stopped_for_output, CAUSE_OUTPUT},
	{interrupted, CAUSE_INTERRUPTED},
	{out_of_memory, CAUSE_OOM},
	{by_filter, CAUSE_SECCOMP},
	{short_of_processes, CAUSE_PIDS},
	{out_of_time, CAUSE_CPU},
	{by_signal, CAUSE_SIGNAL},
};

static enum cause cause_of(const struct ending *ending)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].holds(ending))
			return rules[i].cause;
	return CAUSE_EXIT;
}

static enum cause parse_cause(struct span value)
{
	size_t cause = 0;

	while (cause < CAUSE_COUNT && !span_says(value, cause_names[cause]))
		cause++;
	return (enum cause)cause;
}

static int64_t status_of(const struct ending *ending, enum cause cause, struct span evidence)
{
	struct span exec_errno = span_get(evidence, "execErrno");

	switch (cause) {
	case CAUSE_TIMEOUT:
		return 124;
	case CAUSE_STAGE_LOST:
		return 125;
	case CAUSE_SETUP:
		if (exec_errno.len == 0)
			return 125;
		return span_says(exec_errno, "ENOENT") ? 127 : 126;
	case CAUSE_OUTPUT: /* the same whether the kill or its own end came first */
		return STATUS_SIGNAL + SIGKILL;
	case CAUSE_EXIT:
	case CAUSE_SIGNAL:
	case CAUSE_OOM:
	case CAUSE_CPU:
	case CAUSE_PIDS:
	case CAUSE_SECCOMP:
	case CAUSE_INTERRUPTED:
	case CAUSE_COUNT:
		break;
	}
	return own_status(ending);
}

/*
 * A witness that lost the launcher's stream says so whatever had come before; and a launcher whose
 * clean-up failed after a command that ended well makes the run a failed set-up.
 */
static bool cause_fits(const struct ending *ending, enum cause cause)
{
	enum cause expected = cause_of(ending);

	return cause == expected || cause == CAUSE_STAGE_LOST ||
	       (cause == CAUSE_SETUP && expected == CAUSE_EXIT && ending->status == 0);
}

static enum fault_code check_number(struct span evidence, const char *name, bool known,
				    int64_t expected, enum fault_code code, struct fault *fault)
{
	struct span value = span_get(evidence, name);
	int64_t number = 0;

	if (value.len == 0 || (known && span_integer(value, &number) && number == expected))
		return FAULT_NONE;
	return fault_set(fault, code, "payload.outcome.evidence", "%s is not what vm.exited says",
			 name);
}

static enum fault_code check_evidence(const struct ending *ending, struct span evidence,
				      enum fault_code code, struct fault *fault)
{
	struct span deadline = span_get(evidence, "deadline");
	enum fault_code failed = FAULT_NONE;

	if (deadline.len > 0 &&
	    (!ending->exited || span_equal(deadline, "true") != ending->deadline))
		failed = fault_set(fault, code, "payload.outcome.evidence",
				   "deadline is not what vm.exited says");
	if (failed == FAULT_NONE)
		failed = check_number(evidence, "oomKills", ending->exited, ending->oom_kills, code,
				      fault);
	if (failed == FAULT_NONE)
		failed = check_number(evidence, "pidsMaxHits", ending->exited, ending->pids_hits,
				      code, fault);
	if (failed == FAULT_NONE)
		failed = check_number(evidence, "signalNumber", ending->signal != 0, ending->signal,
				      code, fault);
	if (failed == FAULT_NONE)
		failed = check_number(evidence, "workloadExitCode", ending->has_status,
				      ending->status, code, fault);
	return failed;
}

/* sr-seal closes a stream only when nobody else did, and concludes nothing. */
static bool sealed_itself(const struct head *event)
{
	return span_equal(event->stage, "seal");
}

static enum fault_code check_signal(const struct ending *ending, const struct head *event,
				    struct span signal, enum fault_code code, struct fault *fault)
{
	bool expected = ending->signal != 0 && !sealed_itself(event);

	if (expected ? span_says(signal, ending->signal_name) : span_null(signal))
		return FAULT_NONE;
	return fault_set(fault, code, "payload.outcome.signal", "vm.exited says %s",
			 expected ? ending->signal_name : "none");
}

enum fault_code ending_check_closing(const struct ending *ending, const struct head *event,
				     enum fault_code code, struct fault *fault)
{
	struct span outcome = span_get(event->payload, "outcome");
	struct span evidence = span_get(outcome, "evidence");
	enum cause cause = parse_cause(span_get(outcome, "cause"));
	int64_t status = 0;

	if (cause == CAUSE_COUNT)
		return fault_set(fault, code, "payload.outcome.cause", "there is no such cause");
	if (sealed_itself(event) ? cause != CAUSE_STAGE_LOST : !cause_fits(ending, cause))
		return fault_set(
			fault, code, "payload.outcome.cause",
			"%s, where vm.exited and what stands before it make it %s",
			cause_names[cause],
			cause_names[sealed_itself(event) ? CAUSE_STAGE_LOST : cause_of(ending)]);
	if (!span_integer(span_get(outcome, "exitCode"), &status) ||
	    status != status_of(ending, cause, evidence))
		return fault_set(fault, code, "payload.outcome.exitCode",
				 "%" PRId64 ", where vm.exited makes it %" PRId64, status,
				 status_of(ending, cause, evidence));
	if ((cause == CAUSE_EXIT && status == 0) != (event->type == EVENT_RUN_CLEANED))
		return fault_set(
			fault, code, "type",
			"run.cleaned closes a run whose command exited with 0, and no other");
	if (check_signal(ending, event, span_get(outcome, "signal"), code, fault) != FAULT_NONE)
		return fault->code;
	/* The witness may have lost the stream over the very vm.exited it read its evidence in. */
	return cause == CAUSE_STAGE_LOST ? FAULT_NONE
					 : check_evidence(ending, evidence, code, fault);
}
