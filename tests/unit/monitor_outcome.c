/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/monitor/outcome.h"

#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/monitor/sentence.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define MIB (1024 * 1024)

/* A run that went well; each row changes what it is about. */
#define USUAL                                                                                      \
	.memory_max = 256 * MIB, .pids_max = 256, .output_max = 64 * MIB, .timeout_sec = 300,      \
	.seccomp = "standard", .exited = true, .has_exit_code = true, .closing = OUTCOME_CLEANED

#define KILLED .has_exit_code = false, .signal = SIGKILL, .signal_name = "SIGKILL"

struct row {
	const char *name;
	struct outcome_facts facts;
	enum outcome_cause cause;
	int exit_code;
	enum fault_code code;
	const char *path;
	const char *summary;
};

#pragma GCC diagnostic ignored "-Woverride-init"

static const struct row rows[] = {
	{"exit 0", {USUAL}, OUTCOME_EXIT, 0, FAULT_NONE, "", "exited with status 0"},
	{"exit 3",
	 {USUAL, .exit_code = 3},
	 OUTCOME_EXIT,
	 3,
	 FAULT_RUN_INIT,
	 "runtime.command",
	 "exited with status 3"},
	{"own signal",
	 {USUAL, .has_exit_code = false, .signal = SIGSEGV, .signal_name = "SIGSEGV"},
	 OUTCOME_SIGNAL,
	 139,
	 FAULT_RUN_INIT,
	 "runtime.command",
	 "was ended by SIGSEGV"},
	{"core dumped",
	 {USUAL, .has_exit_code = false, .signal = SIGABRT, .signal_name = "SIGABRT",
	  .core_dumped = true},
	 OUTCOME_SIGNAL,
	 134,
	 FAULT_RUN_INIT,
	 "runtime.command",
	 "was ended by SIGABRT (core dumped)"},
	{"SIGKILL alone is no lack of memory",
	 {USUAL, KILLED},
	 OUTCOME_SIGNAL,
	 137,
	 FAULT_RUN_INIT,
	 "runtime.command",
	 "was ended by SIGKILL"},
	{"out of memory",
	 {USUAL, KILLED, .oom_kills = 1},
	 OUTCOME_OOM,
	 137,
	 FAULT_RUN_INIT,
	 "resources.memory.max",
	 "ran out of memory (limit 256.0 MiB) and was killed"},
	{"a shell says its child was killed, and the kernel that memory was why",
	 {USUAL, .exit_code = 137, .oom_kills = 1},
	 OUTCOME_OOM,
	 137,
	 FAULT_RUN_INIT,
	 "resources.memory.max",
	 "ran out of memory (limit 256.0 MiB) and was killed"},
	{"status 137 without a kill is a status",
	 {USUAL, .exit_code = 137},
	 OUTCOME_EXIT,
	 137,
	 FAULT_RUN_INIT,
	 "runtime.command",
	 "exited with status 137"},
	{"a child ran out of memory and the command coped",
	 {USUAL, .exit_code = 1, .oom_kills = 2},
	 OUTCOME_EXIT,
	 1,
	 FAULT_RUN_INIT,
	 "runtime.command",
	 "exited with status 1; 2 of its processes ran out of memory (limit 256.0 MiB) and were "
	 "killed"},
	{"out of memory elsewhere, another signal here",
	 {USUAL, .has_exit_code = false, .signal = SIGTERM, .signal_name = "SIGTERM",
	  .oom_kills = 1},
	 OUTCOME_SIGNAL,
	 143,
	 FAULT_RUN_INIT,
	 "runtime.command",
	 "was ended by SIGTERM; 1 of its processes ran out of memory (limit 256.0 MiB) and was "
	 "killed"},
	{"timeout",
	 {USUAL, KILLED, .deadline = true},
	 OUTCOME_TIMEOUT,
	 124,
	 FAULT_RUN_TIMEOUT,
	 "runtime.timeoutSec",
	 "ran longer than 300 s and was killed"},
	{"a timeout's SIGKILL is not for memory",
	 {USUAL, KILLED, .deadline = true, .oom_kills = 1, .output_exceeded = true,
	  .stop = OUTCOME_STOP_OUTPUT},
	 OUTCOME_TIMEOUT,
	 124,
	 FAULT_RUN_TIMEOUT,
	 "runtime.timeoutSec",
	 "ran longer than 300 s and was killed"},
	{"output limit, killed",
	 {USUAL, KILLED, .output_exceeded = true, .stop = OUTCOME_STOP_OUTPUT},
	 OUTCOME_OUTPUT,
	 137,
	 FAULT_RUN_INIT,
	 "resources.output.max",
	 "wrote too much output (limit 64.0 MiB) and was killed"},
	{"output limit, ended before the kill: the same verdict",
	 {USUAL, .output_exceeded = true},
	 OUTCOME_OUTPUT,
	 137,
	 FAULT_RUN_INIT,
	 "resources.output.max",
	 "wrote too much output (limit 64.0 MiB) and was killed"},
	{"a stop comes before memory",
	 {USUAL, KILLED, .stop = OUTCOME_STOP_OUTPUT, .oom_kills = 1},
	 OUTCOME_OUTPUT,
	 137,
	 FAULT_RUN_INIT,
	 "resources.output.max",
	 "wrote too much output (limit 64.0 MiB) and was killed"},
	{"interrupted by the launcher for the caller",
	 {USUAL, KILLED, .stop = OUTCOME_STOP_INTERRUPTED},
	 OUTCOME_INTERRUPTED,
	 137,
	 FAULT_RUN_INIT,
	 "runtime.command",
	 "was interrupted: was ended by SIGKILL"},
	{"interrupted by the signal passed on",
	 {USUAL, .has_exit_code = false, .signal = SIGINT, .signal_name = "SIGINT",
	  .forwarded = 1ULL << SIGINT},
	 OUTCOME_INTERRUPTED,
	 130,
	 FAULT_RUN_INIT,
	 "runtime.command",
	 "was interrupted: was ended by SIGINT"},
	{"interrupted, told by a shell's status",
	 {USUAL, .exit_code = 130, .forwarded = 1ULL << SIGINT},
	 OUTCOME_INTERRUPTED,
	 130,
	 FAULT_RUN_INIT,
	 "runtime.command",
	 "was interrupted: exited with status 130"},
	{"a signal passed on and handled",
	 {USUAL, .forwarded = 1ULL << SIGTERM},
	 OUTCOME_EXIT,
	 0,
	 FAULT_NONE,
	 "",
	 "exited with status 0"},
	{"status 130 nobody asked for",
	 {USUAL, .exit_code = 130, .forwarded = 1ULL << SIGTERM},
	 OUTCOME_EXIT,
	 130,
	 FAULT_RUN_INIT,
	 "runtime.command",
	 "exited with status 130"},
	{"seccomp",
	 {USUAL, .has_exit_code = false, .signal = SIGSYS, .signal_name = "SIGSYS"},
	 OUTCOME_SECCOMP,
	 159,
	 FAULT_RUN_INIT,
	 "runtime.seccomp",
	 "made a system call that the seccomp profile standard forbids, and was killed"},
	{"seccomp, with the call's name",
	 {USUAL, .has_exit_code = false, .signal = SIGSYS, .signal_name = "SIGSYS",
	  .syscall = "ptrace", .pids_hits = 3},
	 OUTCOME_SECCOMP,
	 159,
	 FAULT_RUN_INIT,
	 "runtime.seccomp",
	 "called ptrace, which the seccomp profile standard forbids, and was killed"},
	{"process limit",
	 {USUAL, .exit_code = 1, .pids_hits = 3},
	 OUTCOME_PIDS,
	 1,
	 FAULT_RUN_INIT,
	 "resources.pids.max",
	 "exited with status 1 after it was refused a new process 3 times (limit 256)"},
	{"process limit met, and coped with",
	 {USUAL, .pids_hits = 3},
	 OUTCOME_EXIT,
	 0,
	 FAULT_NONE,
	 "",
	 "exited with status 0"},
	{"process limit and a signal",
	 {USUAL, .has_exit_code = false, .signal = SIGABRT, .signal_name = "SIGABRT",
	  .pids_hits = 1},
	 OUTCOME_PIDS,
	 134,
	 FAULT_RUN_INIT,
	 "resources.pids.max",
	 "was ended by SIGABRT after it was refused a new process 1 time (limit 256)"},
	{"CPU time",
	 {USUAL, .has_exit_code = false, .signal = SIGXCPU, .signal_name = "SIGXCPU"},
	 OUTCOME_CPU,
	 152,
	 FAULT_RUN_INIT,
	 "resources.cpu.max",
	 "used up its CPU time and was ended by SIGXCPU"},
	{"refused before it started",
	 {.closing = OUTCOME_FAILED,
	  .step = "launch.cgroup",
	  .refused = {FAULT_HOST_LACKS, "launch.cgroup", "no cgroup"}},
	 OUTCOME_SETUP,
	 125,
	 FAULT_HOST_LACKS,
	 "launch.cgroup",
	 "was not started: no cgroup"},
	{"a step failed in the child",
	 {USUAL, .exit_code = 1, .closing = OUTCOME_FAILED, .step = "launch.mount"},
	 OUTCOME_SETUP,
	 125,
	 FAULT_RUN_LAUNCH,
	 "launch",
	 "was not started: the launcher does not say why"},
	{"not found",
	 {.closing = OUTCOME_FAILED,
	  .step = "launch.exec",
	  .exec_errno = "ENOENT",
	  .refused = {FAULT_RUN_LAUNCH, "launch.exec", "there is no /bin/x"}},
	 OUTCOME_SETUP,
	 127,
	 FAULT_RUN_LAUNCH,
	 "launch.exec",
	 "was not started: there is no /bin/x"},
	{"not executable",
	 {.closing = OUTCOME_FAILED,
	  .step = "launch.exec",
	  .exec_errno = "EACCES",
	  .refused = {FAULT_RUN_LAUNCH, "launch.exec", "not executable"}},
	 OUTCOME_SETUP,
	 126,
	 FAULT_RUN_LAUNCH,
	 "launch.exec",
	 "was not started: not executable"},
	{"ended well, but not cleaned up",
	 {USUAL, .closing = OUTCOME_FAILED,
	  .refused = {FAULT_RUN_RELEASE, "launch.cgroup.remove", "busy"}},
	 OUTCOME_SETUP,
	 125,
	 FAULT_RUN_RELEASE,
	 "launch.cgroup.remove",
	 "was not cleaned up: busy"},
	{"ended badly, and not cleaned up: how it ended counts",
	 {USUAL, .exit_code = 3, .closing = OUTCOME_FAILED,
	  .refused = {FAULT_RUN_RELEASE, "launch.cgroup.remove", "busy"}},
	 OUTCOME_EXIT,
	 3,
	 FAULT_RUN_INIT,
	 "runtime.command",
	 "exited with status 3"},
	{"the launcher was lost, even after the workload's end",
	 {USUAL, .closing = OUTCOME_OPEN},
	 OUTCOME_STAGE_LOST,
	 125,
	 FAULT_RUN_LAUNCH,
	 "launch",
	 "was lost sight of: the launcher ended without a closing record"},
	{"the launcher's stream was broken",
	 {USUAL, KILLED, .deadline = true, .lost = {FAULT_RUN_LAUNCH, "launch.events", "bad"}},
	 OUTCOME_STAGE_LOST,
	 125,
	 FAULT_RUN_LAUNCH,
	 "launch.events",
	 "was lost sight of: bad"},
	{"the log could not be written",
	 {USUAL, KILLED, .stop = OUTCOME_STOP_MONITOR,
	  .log = {FAULT_EVIDENCE_EVENT, "monitor.stdout", "disk full"}},
	 OUTCOME_STAGE_LOST,
	 125,
	 FAULT_EVIDENCE_EVENT,
	 "monitor.stdout",
	 "was stopped: disk full"},
	{"nothing is known at all",
	 {.closing = OUTCOME_OPEN},
	 OUTCOME_STAGE_LOST,
	 125,
	 FAULT_RUN_LAUNCH,
	 "launch",
	 "was lost sight of: the launcher ended without a closing record"},
};

static void check_row(const struct row *row)
{
	struct outcome outcome;

	outcome_decide(&row->facts, &outcome);
	cr_expect_eq(outcome.cause, row->cause, "%s: %s", row->name,
		     outcome_cause_name(outcome.cause));
	cr_expect_eq(outcome.exit_code, row->exit_code, "%s: %d", row->name, outcome.exit_code);
	cr_expect_eq(outcome.finished, row->code == FAULT_NONE, "%s: finished", row->name);
	cr_expect_eq(outcome.error.code, row->code, "%s: %s", row->name,
		     fault_code_name(outcome.error.code));
	cr_expect_str_eq(outcome.error.path, row->path, "%s: path", row->name);
	cr_expect_str_eq(outcome.summary, row->summary, "%s: summary", row->name);
}

Test(monitor_outcome, every_cause)
{
	bool seen[OUTCOME_CAUSE_COUNT] = {false};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_row(&rows[i]);
		seen[rows[i].cause] = true;
	}
	for (size_t i = 0; i < OUTCOME_CAUSE_COUNT; i++)
		cr_expect(seen[i], "no row for cause %s",
			  outcome_cause_name((enum outcome_cause)i));
}

Test(monitor_outcome, as_the_report_has_it)
{
	static const struct outcome_facts facts = {USUAL, KILLED, .oom_kills = 1};
	struct outcome outcome;

	outcome_decide(&facts, &outcome);
	struct json_object *object OBJECT_CLEANUP = outcome_to_json(&outcome, &facts);
	cr_expect_str_eq(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN),
			 "{\"cause\":\"oom\",\"evidence\":{\"deadline\":false,\"oomKills\":1,"
			 "\"pidsMaxHits\":0,\"signalNumber\":9},\"exitCode\":137,"
			 "\"signal\":\"SIGKILL\",\"state\":\"failed\",\"summary\":\"ran out of "
			 "memory (limit 256.0 MiB) and was killed\"}");
}

/* A reason that fills its place leaves too little for the words around it. */
Test(monitor_outcome, a_long_sentence_is_cut_between_characters)
{
	for (size_t offset = 0; offset < 4; offset++) {
		struct outcome_facts facts = {.closing = OUTCOME_FAILED};
		struct outcome outcome;
		struct buf out BUF_CLEANUP;
		struct fault fault;
		char text[sizeof(facts.refused.message)] = "xxxx";

		for (size_t used = offset; used + 3 < sizeof(text); used += 3)
			memcpy(text + used, "\xe2\x82\xac", 4);
		(void)fault_set(&facts.refused, FAULT_RUN_LAUNCH, "launch.exec", "%s", text);
		outcome_decide(&facts, &outcome);
		struct json_object *object OBJECT_CLEANUP = outcome_to_json(&outcome, &facts);
		buf_init(&out, 1 << 16);
		cr_expect_eq(canon_write(object, &out, FAULT_RUN_INIT, &fault), FAULT_NONE,
			     "%zu: %s", offset, outcome.summary);
		cr_expect_gt(strlen(outcome.summary), sizeof(outcome.summary) - 5);
	}
}

Test(monitor_outcome, stop_reasons)
{
	cr_expect_eq(outcome_stop_parse(""), OUTCOME_STOP_NONE);
	cr_expect_eq(outcome_stop_parse("output"), OUTCOME_STOP_OUTPUT);
	cr_expect_eq(outcome_stop_parse("interrupted"), OUTCOME_STOP_INTERRUPTED);
	cr_expect_eq(outcome_stop_parse("monitor"), OUTCOME_STOP_MONITOR);
	cr_expect_eq(outcome_stop_parse("outputs"), OUTCOME_STOP_COUNT);
}

Test(monitor_outcome, sizes)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1025, "1.0 KiB"},
		{1536, "1.5 KiB"},
		{MIB - 1, "1023.9 KiB"},
		{MIB, "1.0 MiB"},
		{256ULL * MIB, "256.0 MiB"},
		{1ULL << 30, "1.0 GiB"},
		{UINT64_MAX, "15.9 EiB"},
	};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char text[SENTENCE_SIZE_SIZE];

		sentence_size(sizes[i].bytes, text);
		cr_expect_str_eq(text, sizes[i].text);
	}
}
