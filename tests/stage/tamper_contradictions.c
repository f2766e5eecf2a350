/* SPDX-License-Identifier: Apache-2.0 */
/* Everything is recomputed; what the kernel saw and what is concluded from it disagree. */
#include "tests/stage/verify_tamper.h"

#include <criterion/criterion.h>

/* Everything recomputed, above and below; what is left is that one event contradicts another. */
#define EXITED(find, replace)                                                                      \
	{                                                                                          \
		(find), (replace), 0                                                               \
	}
#define CAUSE(name)                                                                                \
	{                                                                                          \
		"\"cause\":\"exit\"", "\"cause\":\"" name "\"", TAMPER_EACH                        \
	}
#define STATUS(status)                                                                             \
	{"\"exitCode\":0,\"signal\":null,\"state\"",                                               \
	 "\"exitCode\":" status ",\"signal\":null,\"state\"", TAMPER_EACH},                        \
		{"\"exitCode\":0,\"finishedAt\"", "\"exitCode\":" status ",\"finishedAt\"", 0},    \
		{"\"finished\"", "\"failed\"", TAMPER_EACH},                                       \
	{                                                                                          \
		"\"type\":\"run.cleaned\"", "\"type\":\"run.failed\"", 0                           \
	}
#define OUTCOME_CAUSE  "SR-EVD-301", "events[11].payload.outcome.cause"
#define OUTCOME_STATUS "SR-EVD-301", "events[11].payload.outcome.exitCode"
#define OUTCOME_SIGNAL "SR-EVD-301", "events[11].payload.outcome.signal"

static const struct tamper contradictions[] = {
	{"vm.started taken out",
	 {TAMPER_EVENT("delete", 4),
	  {"\"seq\":5", "\"seq\":4", 0},
	  {"\"seq\":6", "\"seq\":5", 0},
	  {"\"seq\":7", "\"seq\":6", 0},
	  {"\"seq\":8", "\"seq\":7", 0},
	  {"\"seq\":9", "\"seq\":8", 0},
	  {"\"seq\":10", "\"seq\":9", 0},
	  {"\"seq\":11", "\"seq\":10", 0},
	  {"\"eventCount\":12", "\"eventCount\":11", TAMPER_EACH}},
	 TAMPER_ALL,
	 "invalid",
	 "SR-EVD-301",
	 "events[9].type"},
	{"a sample behind vm.exited",
	 {TAMPER_EVENT("swap", 9),
	  {"\"seq\":10", "\"seq\":x", 0},
	  {"\"seq\":9", "\"seq\":10", 0},
	  {"\"seq\":x", "\"seq\":9", 0},
	  {"\"bootNs\":\"7000\"", "\"bootNs\":\"8000\"", 0}},
	 TAMPER_ALL,
	 "invalid",
	 "SR-EVD-301",
	 "events[10].type"},
	{"oom without a kill", {CAUSE("oom"), STATUS("137")}, TAMPER_ALL, "invalid", OUTCOME_CAUSE},
	{"timeout without a deadline",
	 {CAUSE("timeout"), STATUS("124")},
	 TAMPER_ALL,
	 "invalid",
	 OUTCOME_CAUSE},
	{"seccomp without SIGSYS",
	 {CAUSE("seccomp"), STATUS("159")},
	 TAMPER_ALL,
	 "invalid",
	 OUTCOME_CAUSE},
	{"interrupted by nobody",
	 {CAUSE("interrupted"), STATUS("130")},
	 TAMPER_ALL,
	 "invalid",
	 OUTCOME_CAUSE},
	{"a deadline, and finished",
	 {EXITED("\"deadline\":false", "\"deadline\":true")},
	 TAMPER_ALL,
	 "invalid",
	 OUTCOME_CAUSE},
	{"exit with another code", {STATUS("7")}, TAMPER_ALL, "invalid", OUTCOME_STATUS},
	{"set-up with a code of its own",
	 {CAUSE("setup"), STATUS("99")},
	 TAMPER_ALL,
	 "invalid",
	 OUTCOME_STATUS},
	{"a signal nobody saw",
	 {{"\"exitCode\":0,\"signal\":null,\"state\"",
	   "\"exitCode\":0,\"signal\":\"SIGKILL\",\"state\"", TAMPER_EACH}},
	 TAMPER_ALL,
	 "invalid",
	 OUTCOME_SIGNAL},
	{"evidence of kills that were none",
	 {{"\"evidence\":{},\"exitCode\"", "\"evidence\":{\"oomKills\":1},\"exitCode\"",
	   TAMPER_EACH}},
	 TAMPER_ALL,
	 "invalid",
	 "SR-EVD-301",
	 "events[11].payload.outcome.evidence"},
	{"signal name of another number",
	 {EXITED("\"exitCode\":0,\"forwarded\"", "\"exitCode\":null,\"forwarded\""),
	  EXITED("\"setup\":null,\"signal\":null,\"signalNumber\":null",
		 "\"setup\":null,\"signal\":\"SIGTERM\",\"signalNumber\":9")},
	 TAMPER_ALL,
	 "invalid",
	 "SR-EVD-301",
	 "events[10].payload.signal"},
	{"command hash beside the arguments",
	 {{"\"argsCount\":1,\"auditLevel\":\"basic\"",
	   "\"args\":[\"hi\"],\"argsCount\":1,\"auditLevel\":\"full\"", TAMPER_EACH}},
	 TAMPER_ALL,
	 "invalid",
	 "SR-EVD-302",
	 "events[0].payload.artifacts.commandHash"},
	{"field nobody writes",
	 {{"\"isolation\":\"process\",\"observedBy\"",
	   "\"hidden\":1,\"isolation\":\"process\",\"observedBy\"", 0}},
	 TAMPER_ALL,
	 "invalid",
	 "SR-EVD-301",
	 "events[4].payload.hidden"},
	{"field nobody writes, in a sample",
	 {{"\"usageUs\":6", "\"usageUs\":6,\"z\":1", 0}},
	 TAMPER_ALL,
	 "invalid",
	 "SR-EVD-301",
	 "events[6].payload"},
	{"field nobody writes, deep inside",
	 {{"\"truncated\":true", "\"truncated\":true,\"zeal\":1", TAMPER_EACH}},
	 TAMPER_ALL,
	 "invalid",
	 "SR-EVD-301",
	 "events[11].payload.output.stdout.zeal"},
};

Test(stage_verify, e_events_against_each_other)
{
	verify_tampered(contradictions, VERIFY_TAMPER_COUNT(contradictions));
}
