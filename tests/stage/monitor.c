/* SPDX-License-Identifier: Apache-2.0 */
/* sr-monitor itself, over pipes, with the test as launcher, workload, caller and sealer. */
#include "ipc/object.h"
#include "stages/launch/cgroup.h"
#include "tests/stage/monitor_seen.h"
#include "tests/stage/monitor_watch.h"
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

Test(stage_monitor, a_run_without_output)
{
	struct watch watch;

	watch_start(&watch, 0, NULL);
	watch_begin(&watch, NO_LIMIT);
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
	cr_expect_eq(watch.status, 0);
	seen_text(last, "type", "run.cleaned");
	seen_text(last, "stage", "monitor");
	seen_text(last, "runId", WATCH_RUN);
	seen_count(last, "seq", 4);
	seen_text(last, "payload.observedBy", "monitor");
	seen_text(last, "payload.outcome.state", "finished");
	seen_text(last, "payload.outcome.cause", "exit");
	seen_count(last, "payload.outcome.exitCode", 0);
	seen_flag(last, "payload.output.captured", false);
	cr_expect_null(seen_member(last, "payload.output.stdout"));
	cr_expect_null(seen_member(last, "payload.output.stdin"));
	cr_expect_eq(json_object_array_length(seen_member(last, "payload.errors")), 0);
	watch_release(&watch);
}

/* Each record as it came, in any pieces; what is ours stands at the end. */
Test(stage_monitor, passes_the_stream_on_unchanged)
{
	static const char stream[] =
		"{\"payload\":{\"bootNs\":\"1\",\"errors\":[],\"observedBy\":\"launcher\"},"
		"\"runId\":\"" WATCH_RUN "\",\"seq\":0,\"stage\":\"launch\","
		"\"timestamp\":\"2026-01-01T00:00:00.000000000Z\",\"type\":\"compile\"}\n"
		"{\"payload\":{\"bootNs\":\"2\",\"index\":0,\"observedBy\":\"launcher\","
		"\"source\":\"/a\\n\xc3\xa9\",\"target\":\"/b\"},\"runId\":\"" WATCH_RUN
		"\",\"seq\":1,\"stage\":\"launch\","
		"\"timestamp\":\"2026-01-01T00:00:00.000000000Z\",\"type\":\"mount.applied\"}\n";
	static const size_t pieces[] = {1, 7, sizeof(stream) - 1};

	for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
		struct watch watch;

		watch_start(&watch, 0, NULL);
		for (size_t at = 0; at < sizeof(stream) - 1; at += pieces[p]) {
			size_t left = sizeof(stream) - 1 - at;

			watch_write(watch.events_fd, stream + at,
				    left < pieces[p] ? left : pieces[p]);
		}
		struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
		cr_expect_eq(strncmp(watch.text, stream, sizeof(stream) - 1), 0, "%s", watch.text);
		seen_count(last, "seq", 2);
		seen_text(last, "payload.outcome.cause", "stage-lost");
		seen_count(last, "payload.outcome.exitCode", 125);
		watch_release(&watch);
	}
}

Test(stage_monitor, an_exact_copy_goes_to_the_record_fd)
{
	char path[] = "/tmp/monitor-record-XXXXXX";
	char number[12];
	char copy[8192] = "";
	int fd = mkstemp(path);
	struct watch watch;

	cr_assert_geq(fd, 0);
	(void)snprintf(number, sizeof(number), "%d", fd);
	watch_start(&watch, 0, (const char *const[]){"--record-fd", number, NULL});
	watch_begin(&watch, NO_LIMIT);
	watch_end(&watch);
	(void)watch_finish(&watch);
	cr_expect_gt(pread(fd, copy, sizeof(copy) - 1, 0), 0);
	cr_expect_str_eq(copy, watch.text);
	(void)close(fd);
	(void)unlink(path);
	watch_release(&watch);
}

Test(stage_monitor, no_stream_at_all)
{
	static const char *const inputs[] = {"", "x", "{}\n", "\n"};

	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
		struct child_result result;

		child_run((const char *const[]){"sr-monitor", NULL}, inputs[i], strlen(inputs[i]),
			  NULL, &result);
		cr_expect_eq(result.status, 3, "'%s'", inputs[i]);
		cr_expect_str_eq(result.out, "");
		cr_expect_not_null(strstr(result.err, "sr-monitor: "));
		child_release(&result);
	}
}

/* The run is stopped, both pipes are still read to their end, and the closing record says why. */
Test(stage_monitor, a_stream_that_breaks_is_a_lost_stage)
{
	static const char *const breaks[] = {
		"garbage\n",
		"{\"a\":1}\n",
		"{\"payload\":{\"bootNs\":\"9\",\"observedBy\":\"launcher\"},\"runId\":\"" WATCH_RUN
		"\",\"seq\":9,\"stage\":\"launch\","
		"\"timestamp\":\"2026-01-01T00:00:00.000000000Z\",\"type\":\"vm.started\"}\n",
	};

	for (size_t i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		struct watch watch;
		char stop[32] = "";
		static const char want[] = "{\"stop\":\"monitor\"}\n";

		watch_start(&watch, ALL_OUTPUT, NULL);
		watch_begin(&watch, NO_LIMIT);
		watch_write(watch.events_fd, breaks[i], strlen(breaks[i]));
		cr_expect_eq(watch_read(watch.control_fd, stop, sizeof(want) - 1),
			     sizeof(want) - 1);
		cr_expect_str_eq(stop, want);
		watch_end(&watch); /* no longer looked at */
		watch_write(watch.out_fd, "late", 4);
		struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
		cr_expect_eq(watch.status, 0, "the stream was delivered");
		seen_text(last, "type", "run.failed");
		seen_text(last, "payload.outcome.cause", "stage-lost");
		seen_count(last, "payload.output.stdout.bytes", 4);
		cr_expect_not_null(strstr(json_object_get_string(last), "record 3"));
		watch_release(&watch);
	}
}

Test(stage_monitor, nobody_to_write_to_ends_it)
{
	struct watch watch;
	int status = 0;

	/* Stopped until everything is there: it looks at its output before it reads. */
	watch_start(&watch, 0, NULL);
	cr_assert_eq(kill(watch.pid, SIGSTOP), 0);
	cr_assert_eq(waitpid(watch.pid, &status, WUNTRACED), watch.pid);
	watch_close(&watch.records_fd);
	watch_begin(&watch, NO_LIMIT);
	cr_assert_eq(kill(watch.pid, SIGCONT), 0);
	watch_reap(&watch, &status);
	cr_expect_eq(WEXITSTATUS(status), 3);
	watch_close(&watch.events_fd);
	watch_release(&watch);
}

/* No event and no sample comes along to find it out by. */
Test(stage_monitor, a_sealer_that_dies_in_a_quiet_run_ends_it)
{
	struct watch watch;
	int status = 0;

	watch_start(&watch, ALL_OUTPUT, NULL);
	watch_begin(&watch, NO_LIMIT);
	(void)watch_await(&watch, "vm.started");
	watch_close(&watch.records_fd);
	watch_reap(&watch, &status);
	cr_expect_eq(WEXITSTATUS(status), 3);
	watch_close(&watch.events_fd);
	watch_close(&watch.out_fd);
	watch_close(&watch.err_fd);
	watch_release(&watch);
}

Test(stage_monitor, the_keyboard_does_not_end_it)
{
	struct watch watch;

	watch_start(&watch, 0, NULL);
	watch_begin(&watch, NO_LIMIT);
	(void)watch_await(&watch, "vm.started");
	cr_assert_eq(kill(watch.pid, SIGINT), 0);
	cr_assert_eq(kill(watch.pid, SIGQUIT), 0);
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
	cr_expect_eq(watch.status, 0);
	seen_text(last, "type", "run.cleaned");
	watch_release(&watch);
}

static void prepare_cgroup(struct cgroup *cgroup)
{
	static const struct cgroup_limits limits = {.pids_set = true, .pids_max = 5};
	struct fault fault;

	if (cgroup_prepare(cgroup, WATCH_RUN, &limits, false, &fault) == FAULT_NONE)
		return;
	cr_assert_null(getenv("MUST_WORK"), "MUST_WORK: %s", fault.message);
	(void)fprintf(stderr, "skipped: no cgroup for this user: %s\n", fault.message);
	cr_skip_test("no cgroup for this user");
}

Test(stage_monitor, samples_the_cgroup_of_the_run)
{
	struct watch watch;
	struct cgroup cgroup;
	struct fault fault;
	char members[4096];

	prepare_cgroup(&cgroup);
	struct json_object *paths OBJECT_CLEANUP = cgroup_paths(&cgroup);
	(void)snprintf(members, sizeof(members), "\"cgroup\":%s,\"enforcement\":[],",
		       json_object_to_json_string_ext(
			       paths, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	watch_start(&watch, 0, (const char *const[]){"--sample-ms", "1", NULL});
	watch_send(&watch, "compile", "\"errors\":[],", "");
	watch_send(&watch, "run.prepared", members, "");
	watch_send(&watch, "vm.started", "", "");
	struct json_object *sample OBJECT_CLEANUP =
		seen_parse(watch_await(&watch, "\"sample\":\"periodic\""));
	seen_text(sample, "type", "resource.sampled");
	seen_text(sample, "stage", "monitor");
	seen_count(sample, "payload.pids.current", 0);
	cr_expect_not_null(seen_member(sample, "payload.cpu.usageUs"));
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
	seen_text(last, "type", "run.cleaned");
	cr_expect_null(seen_member(last, "payload.outcome.evidence.samplingFailed"));
	watch_release(&watch);
	cr_expect_eq(cgroup_remove(&cgroup, &fault), FAULT_NONE, "%s", fault.message);
}

Test(stage_monitor, a_cgroup_of_another_run_is_refused)
{
	struct watch watch;

	watch_start(&watch, 0, NULL);
	watch_send(&watch, "compile", "\"errors\":[],", "");
	watch_send(&watch, "run.prepared",
		   "\"cgroup\":{\"mode\":\"v1\",\"paths\":{\"memory\":"
		   "\"/sys/fs/cgroup/memory/safe-run-other\"}},\"enforcement\":[],",
		   "");
	struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
	seen_text(last, "payload.outcome.cause", "stage-lost");
	watch_release(&watch);
}

Test(stage_monitor, wrong_options)
{
	static const char *const rows[][6] = {
		{"sr-monitor", "--pty-fd", "0", NULL},
		{"sr-monitor", "--sample-ms", "0", NULL},
		{"sr-monitor", "--sample-ms", "3600001", NULL},
		{"sr-monitor", "--stdout-fd", "99", NULL},
		{"sr-monitor", "--no-such", NULL},
		{"sr-monitor", "operand", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct child_result result;

		child_run(rows[i], "", 0, NULL, &result);
		cr_expect_eq(result.status, 2, "%s: %d", rows[i][1], result.status);
		cr_expect_str_eq(result.out, "");
		child_release(&result);
	}
}

Test(stage_monitor, a_log_must_be_a_file)
{
	struct watch watch;
	int ends[2];
	char number[12];

	cr_assert_eq(pipe(ends), 0);
	(void)snprintf(number, sizeof(number), "%d", ends[1]);
	watch_start(&watch, 0, (const char *const[]){"--stdout-file-fd", number, NULL});
	(void)watch_finish(&watch);
	cr_expect_eq(watch.status, 2);
	watch_release(&watch);
	watch_start(&watch, WATCH_PTY | WATCH_OUT, NULL);
	(void)watch_finish(&watch);
	cr_expect_eq(watch.status, 2, "a terminal stands instead of the pipes");
	watch_release(&watch);
}
