/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/monitor/sentence.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void sentence_size(uint64_t bytes, char out[SENTENCE_SIZE_SIZE])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	uint64_t unit = 1024;
	size_t i = 0;

	if (bytes < unit) {
		(void)snprintf(out, SENTENCE_SIZE_SIZE, "%" PRIu64 " B", bytes);
		return;
	}
	while (bytes / unit >= 1024) {
		unit *= 1024;
		i++;
	}
	/* Tenths, rounded down: a limit is never told larger than it is. */
	(void)snprintf(out, SENTENCE_SIZE_SIZE, "%" PRIu64 ".%u %s", bytes / unit,
		       (unsigned)(bytes % unit * 10 / unit), units[i]);
}

/* A fault cuts what is too long between two characters: half a one is in no record. */
__attribute__((format(printf, 2, 3))) static void say(struct outcome *outcome, const char *format,
						      ...)
{
	char text[sizeof(outcome->summary) + 8];
	struct fault cut;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)fault_set(&cut, FAULT_RUN_INIT, "", "%s", text);
	(void)snprintf(outcome->summary, sizeof(outcome->summary), "%s", cut.message);
}

/* " (limit 256.0 MiB)", or nothing where the policy has none. */
static const char *limit_text(uint64_t bytes, char out[SENTENCE_SIZE_SIZE + 16])
{
	char size[SENTENCE_SIZE_SIZE];

	out[0] = '\0';
	if (bytes == 0)
		return out;
	sentence_size(bytes, size);
	(void)snprintf(out, SENTENCE_SIZE_SIZE + 16, " (limit %s)", size);
	return out;
}

/* How it ended by itself, whatever the cause. */
static const char *end_text(const struct outcome_facts *facts, char out[64])
{
	if (facts->signal != 0)
		(void)snprintf(out, 64, "was ended by %s%s", facts->signal_name,
			       facts->core_dumped ? " (core dumped)" : "");
	else
		(void)snprintf(out, 64, "exited with status %d", facts->exit_code);
	return out;
}

static void say_exit(const struct outcome_facts *facts, struct outcome *outcome)
{
	char limit[SENTENCE_SIZE_SIZE + 16];
	char end[64];

	if (facts->oom_kills == 0)
		say(outcome, "%s", end_text(facts, end));
	else
		say(outcome, "%s; %" PRIu64 " of its processes ran out of memory%s and %s killed",
		    end_text(facts, end), facts->oom_kills, limit_text(facts->memory_max, limit),
		    facts->oom_kills == 1 ? "was" : "were");
}

static void say_seccomp(const struct outcome_facts *facts, struct outcome *outcome)
{
	const char *profile = facts->seccomp[0] != '\0' ? facts->seccomp : "?";

	if (facts->syscall[0] != '\0')
		say(outcome, "called %s, which the seccomp profile %s forbids, and was killed",
		    facts->syscall, profile);
	else
		say(outcome,
		    "made a system call that the seccomp profile %s forbids, and was killed",
		    profile);
}

static void say_pids(const struct outcome_facts *facts, struct outcome *outcome)
{
	char end[64];

	say(outcome, "%s after it was refused a new process %" PRIu64 " time%s (limit %" PRIu64 ")",
	    end_text(facts, end), facts->pids_hits, facts->pids_hits == 1 ? "" : "s",
	    facts->pids_max);
}

/* What went wrong with the outputs of a command that had ended: the policy's, or a stage's. */
static bool is_of_outputs(const char *path)
{
	static const char *const places[] = {"outputs[", "launch.collect", "launch.deposit",
					     "collect.", "deposit."};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strncmp(path, places[i], strlen(places[i])) == 0)
			return true;
	return false;
}

static void say_setup(const struct outcome_facts *facts, struct outcome *outcome)
{
	const char *why = facts->refused.code != FAULT_NONE ? facts->refused.message
							    : "the launcher does not say why";

	if (!facts->exited || facts->step[0] != '\0')
		say(outcome, "was not started: %s", why);
	else if (is_of_outputs(facts->refused.path))
		say(outcome, "ended well, but %s", why);
	else
		say(outcome, "was not cleaned up: %s", why);
}

static void say_lost(const struct outcome_facts *facts, struct outcome *outcome)
{
	if (facts->lost.code != FAULT_NONE)
		say(outcome, "was lost sight of: %s", facts->lost.message);
	else if (facts->closing == OUTCOME_OPEN)
		say(outcome, "was lost sight of: the launcher ended without a closing record");
	else if (facts->log.code != FAULT_NONE)
		say(outcome, "was stopped: %s", facts->log.message);
	else if (facts->stop == OUTCOME_STOP_GUEST && facts->refused.code != FAULT_NONE)
		say(outcome, "was lost sight of: %s", facts->refused.message);
	else if (facts->stop == OUTCOME_STOP_NETWORK && facts->refused.code != FAULT_NONE)
		say(outcome, "lost its network: %s", facts->refused.message);
	else
		say(outcome, "was stopped: it could no longer be recorded");
}

static void say_what(const struct outcome_facts *facts, struct outcome *outcome)
{
	char limit[SENTENCE_SIZE_SIZE + 16];
	char end[64];

	switch (outcome->cause) {
	case OUTCOME_OOM:
		say(outcome, "ran out of memory%s and was killed",
		    limit_text(facts->memory_max, limit));
		break;
	case OUTCOME_TIMEOUT:
		say(outcome, "ran longer than %" PRIu64 " s and was killed", facts->timeout_sec);
		break;
	case OUTCOME_CPU:
		say(outcome, "used up its CPU time and was ended by SIGXCPU");
		break;
	case OUTCOME_OUTPUT:
		say(outcome, "wrote too much output%s and was killed",
		    limit_text(facts->output_max, limit));
		break;
	case OUTCOME_INTERRUPTED:
		say(outcome, "was interrupted: %s", end_text(facts, end));
		break;
	case OUTCOME_SECCOMP:
		say_seccomp(facts, outcome);
		break;
	case OUTCOME_PIDS:
		say_pids(facts, outcome);
		break;
	case OUTCOME_SETUP:
		say_setup(facts, outcome);
		break;
	case OUTCOME_STAGE_LOST:
		say_lost(facts, outcome);
		break;
	case OUTCOME_EXIT:
	case OUTCOME_SIGNAL:
	case OUTCOME_CAUSE_COUNT:
		say_exit(facts, outcome);
		break;
	}
}

static const char *path_of(enum outcome_cause cause)
{
	switch (cause) {
	case OUTCOME_OOM:
		return "resources.memory.max";
	case OUTCOME_TIMEOUT:
		return "runtime.timeoutSec";
	case OUTCOME_CPU:
		return "resources.cpu.max";
	case OUTCOME_PIDS:
		return "resources.pids.max";
	case OUTCOME_OUTPUT:
		return "resources.output.max";
	case OUTCOME_SECCOMP:
		return "runtime.seccomp";
	case OUTCOME_SETUP:
	case OUTCOME_STAGE_LOST:
		return "launch";
	case OUTCOME_EXIT:
	case OUTCOME_SIGNAL:
	case OUTCOME_INTERRUPTED:
	case OUTCOME_CAUSE_COUNT:
		break;
	}
	return "runtime.command";
}

static enum fault_code code_of(enum outcome_cause cause)
{
	switch (cause) {
	case OUTCOME_TIMEOUT:
		return FAULT_RUN_TIMEOUT;
	case OUTCOME_SETUP:
	case OUTCOME_STAGE_LOST:
		return FAULT_RUN_LAUNCH;
	case OUTCOME_EXIT:
	case OUTCOME_SIGNAL:
	case OUTCOME_OOM:
	case OUTCOME_CPU:
	case OUTCOME_PIDS:
	case OUTCOME_OUTPUT:
	case OUTCOME_SECCOMP:
	case OUTCOME_INTERRUPTED:
	case OUTCOME_CAUSE_COUNT:
		break;
	}
	return FAULT_RUN_INIT;
}

void sentence_write(const struct outcome_facts *facts, struct outcome *outcome)
{
	say_what(facts, outcome);
	if (outcome->finished)
		return;
	if (outcome->cause == OUTCOME_SETUP && facts->refused.code != FAULT_NONE)
		outcome->error = facts->refused;
	else if (outcome->cause == OUTCOME_STAGE_LOST && facts->lost.code == FAULT_NONE &&
		 (facts->stop == OUTCOME_STOP_GUEST || facts->stop == OUTCOME_STOP_NETWORK) &&
		 facts->refused.code != FAULT_NONE)
		outcome->error = facts->refused;
	else if (outcome->cause == OUTCOME_STAGE_LOST && facts->lost.code != FAULT_NONE)
		outcome->error = facts->lost;
	else if (outcome->cause == OUTCOME_STAGE_LOST && facts->closing != OUTCOME_OPEN &&
		 facts->log.code != FAULT_NONE)
		outcome->error = facts->log;
	else
		(void)fault_set(&outcome->error, code_of(outcome->cause), path_of(outcome->cause),
				"the command %s", outcome->summary);
}
