/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/monitor/witness.h"

#include "ipc/object.h"
#include "stages/monitor/facts.h"
#include "stages/monitor/sampler.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN "sr-20260101-000000-0123abcd"

struct stream {
	struct event_writer writer;
	struct witness witness;
	FILE *out;
};

static void stream_open(struct stream *stream)
{
	stream->out = tmpfile();
	cr_assert_not_null(stream->out);
	stream->writer = (struct event_writer){.sink = {.fd = fileno(stream->out), .record_fd = -1},
					       .stage = "monitor"};
	witness_init(&stream->witness, &stream->writer);
}

static void stream_close(struct stream *stream)
{
	witness_release(&stream->witness);
	(void)fclose(stream->out);
}

/* What was passed on, whole. */
static char *stream_text(struct stream *stream)
{
	size_t size = (size_t)lseek(fileno(stream->out), 0, SEEK_END);
	char *text = calloc(1, size + 1);

	cr_assert_eq(pread(fileno(stream->out), text, size, 0), (ssize_t)size);
	return text;
}

static void take_line(struct stream *stream, const char *line)
{
	struct fault fault;

	cr_assert_eq(witness_take(&stream->witness, line, strlen(line), &fault), FAULT_NONE, "%s",
		     fault.message);
}

static void take(struct stream *stream, unsigned seq, const char *boot_ns, const char *run_id,
		 const char *type, const char *members)
{
	char line[1024];

	(void)snprintf(line, sizeof(line),
		       "{\"payload\":{\"bootNs\":\"%s\",%s\"observedBy\":\"launcher\"},"
		       "\"runId\":\"%s\",\"seq\":%u,\"stage\":\"launch\","
		       "\"timestamp\":\"2026-01-01T00:00:00.000000000Z\",\"type\":\"%s\"}",
		       boot_ns, members, run_id, seq, type);
	take_line(stream, line);
}

Test(monitor_witness, refuses_what_is_not_the_next_record)
{
	static const struct {
		const char *name;
		unsigned seq;
		const char *boot_ns, *run_id, *type, *members, *why;
	} bad[] = {
		{"gap", 2, "5", RUN, "vm.started", "", "seq"},
		{"again", 0, "5", RUN, "vm.started", "", "seq"},
		{"another run", 1, "5", "sr-20260101-000000-0123abce", "vm.started", "", "runId"},
		{"back in time", 1, "4", RUN, "vm.started", "", "bootNs"},
		{"from the future", 1, "18446744073709551615", RUN, "vm.started", "", "bootNs"},
		{"unknown type", 1, "5", RUN, "vm.stopped", "", "vm.stopped"},
		{"no end", 1, "5", RUN, "vm.exited", "", "exitCode"},
		{"status 256", 1, "5", RUN, "vm.exited", "\"exitCode\":256,", "exitCode"},
		{"not canonical", 1, "5", RUN, "vm.started", " ", ""},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct stream stream;

		stream_open(&stream);
		take(&stream, 0, "5", RUN, "compile", "");
		cr_expect_eq(stream.witness.facts.lost.code, FAULT_NONE);
		take(&stream, bad[i].seq, bad[i].boot_ns, bad[i].run_id, bad[i].type,
		     bad[i].members);
		cr_expect_eq(stream.witness.facts.lost.code, FAULT_RUN_LAUNCH, "%s", bad[i].name);
		cr_expect_not_null(strstr(stream.witness.facts.lost.message, bad[i].why), "%s: %s",
				   bad[i].name, stream.witness.facts.lost.message);
		cr_expect_eq(stream.writer.next_seq, 1, "%s: passed on", bad[i].name);
		take(&stream, 1, "5", RUN, "vm.started", "");
		cr_expect_not(stream.witness.started, "%s: taken afterwards", bad[i].name);
		stream_close(&stream);
	}
}

Test(monitor_witness, nothing_follows_the_closing_record)
{
	struct stream stream;

	stream_open(&stream);
	take(&stream, 0, "5", RUN, "compile", "");
	take(&stream, 1, "6", RUN, "run.cleaned", "\"cleanup\":[],");
	cr_expect_eq(stream.witness.facts.closing, OUTCOME_CLEANED);
	cr_expect_eq(stream.writer.next_seq, 1, "the closing record is withheld");
	take(&stream, 2, "7", RUN, "run.cleaned", "\"cleanup\":[],");
	cr_expect_eq(stream.witness.facts.lost.code, FAULT_RUN_LAUNCH);
	stream_close(&stream);
}

Test(monitor_witness, passes_records_on_byte_for_byte)
{
	static const char line[] =
		"{\"payload\":{\"bootNs\":\"5\",\"note\":\"\\n\xc3\xa9\",\"observedBy\":\"kernel\","
		"\"seq\":7},\"runId\":\"" RUN "\",\"seq\":0,\"stage\":\"launch\","
		"\"timestamp\":\"2026-01-01T00:00:00.000000000Z\",\"type\":\"vm.started\"}";
	struct stream stream;

	stream_open(&stream);
	take_line(&stream, line);
	char *text = stream_text(&stream);
	cr_expect_eq(strncmp(text, line, sizeof(line) - 1), 0);
	cr_expect_str_eq(text + sizeof(line) - 1, "\n");
	free(text);
	stream_close(&stream);
}

/* A record stamped before one of ours but written after it: neither seq nor time may go back. */
Test(monitor_witness, keeps_order_around_its_own_records)
{
	struct stream stream;
	struct fault fault;
	char own[64];

	stream_open(&stream);
	take(&stream, 0, "5", RUN, "compile", "");
	cr_assert_eq(witness_emit(&stream.witness, EVENT_RESOURCE_SAMPLED, object_new(), &fault),
		     FAULT_NONE);
	(void)snprintf(own, sizeof(own), "\"bootNs\":\"%llu\",\"launcherBootNs\":\"6\"",
		       (unsigned long long)stream.witness.boot_ns);
	take(&stream, 1, "6", RUN, "vm.started", "");
	char *text = stream_text(&stream);
	cr_expect_not_null(strstr(text, own), "%s", text);
	cr_expect_not_null(strstr(text, "\"seq\":2"));
	cr_expect_eq(stream.witness.facts.lost.code, FAULT_NONE);
	free(text);
	stream_close(&stream);
}

Test(monitor_witness, facts_of_an_exit)
{
	struct stream stream;
	const struct outcome_facts *facts = &stream.witness.facts;

	stream_open(&stream);
	take_line(&stream,
		  "{\"payload\":{\"bootNs\":\"5\",\"errors\":[],\"observedBy\":\"launcher\","
		  "\"policySummary\":{\"memoryMax\":\"max\",\"outputMax\":7,\"pidsMax\":8,"
		  "\"seccomp\":\"strict\",\"timeoutSec\":9}},\"runId\":\"" RUN "\",\"seq\":0,"
		  "\"stage\":\"launch\",\"timestamp\":\"2026-01-01T00:00:00.000000000Z\","
		  "\"type\":\"compile\"}");
	take_line(&stream,
		  "{\"payload\":{\"bootNs\":\"5\",\"coreDumped\":true,\"deadline\":true,"
		  "\"exitCode\":null,\"forwarded\":[\"SIGINT\",\"SIGNONE\",\"SIGTERM\"],"
		  "\"observedBy\":\"launcher\",\"oomKills\":2,\"pidsMaxHits\":3,\"setup\":null,"
		  "\"signal\":\"SIGKILL\",\"signalNumber\":9,\"stopReason\":\"output\"},"
		  "\"runId\":\"" RUN "\",\"seq\":1,\"stage\":\"launch\","
		  "\"timestamp\":\"2026-01-01T00:00:00.000000000Z\",\"type\":\"vm.exited\"}");
	cr_assert_eq(facts->lost.code, FAULT_NONE, "%s", facts->lost.message);
	cr_expect_eq(facts->memory_max, 0, "max is no limit");
	cr_expect(facts->output_max == 7 && facts->pids_max == 8 && facts->timeout_sec == 9);
	cr_expect_str_eq(facts->seccomp, "strict");
	cr_expect(facts->exited && facts->deadline && facts->core_dumped && !facts->has_exit_code);
	cr_expect(facts->oom_kills == 2 && facts->pids_hits == 3 && facts->signal == 9);
	cr_expect_eq(facts->stop, OUTCOME_STOP_OUTPUT);
	cr_expect_eq(facts->forwarded, 1ULL << 2 | 1ULL << 15);
	stream_close(&stream);
}

Test(monitor_witness, errors_of_the_launcher_are_kept)
{
	struct stream stream;

	stream_open(&stream);
	take(&stream, 0, "5", RUN, "compile",
	     "\"errors\":[{\"code\":\"SR-POL-001\",\"message\":\"m\",\"path\":\"p\"}],");
	cr_expect_eq(stream.witness.facts.refused.code, FAULT_POLICY_MISSING);
	take(&stream, 1, "6", RUN, "run.failed",
	     "\"cleanup\":[],\"errors\":[],\"execErrno\":\"ENOENT\",");
	cr_expect_eq(stream.witness.facts.refused.code, FAULT_POLICY_MISSING, "nothing newer");
	cr_expect_eq(json_object_array_length(stream.witness.errors), 1);
	cr_expect_str_eq(stream.witness.facts.exec_errno, "ENOENT");
	stream_close(&stream);
}

Test(monitor_sampler, opens_only_cgroups_of_its_run)
{
	static const struct {
		const char *path;
		bool accepted;
	} paths[] = {
		{"/sys/fs/cgroup/memory/x/safe-run-" RUN, true},
		{"/sys/fs/cgroup/safe-run-" RUN, true},
		{"/sys/fs/cgroup/memory/x", false},
		{"/sys/fs/cgroup/memory/safe-run-" RUN "0", false},
		{"/sys/fs/cgroup/memory/safe-run-" RUN "/..", false},
		{"/sys/fs/cgroup/../safe-run-" RUN, false},
		{"/sys/fs/cgroup//safe-run-" RUN, false},
		{"/sys/fs/cgroups/safe-run-" RUN, false},
		{"/etc/safe-run-" RUN, false},
		{"safe-run-" RUN, false},
		{"", false},
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct sampler sampler;
		struct fault fault;
		struct json_object *cgroup OBJECT_CLEANUP = object_new();
		struct json_object *object = object_new();

		sampler_init(&sampler, 1);
		object_add_string(object, "memory", paths[i].path);
		object_add(cgroup, "paths", object);
		cr_expect_eq(sampler_open(&sampler, cgroup, RUN, FAULT_RUN_LAUNCH, &fault),
			     paths[i].accepted ? FAULT_NONE : FAULT_RUN_LAUNCH, "%s",
			     paths[i].path);
		sampler_release(&sampler);
	}
}

Test(monitor_sampler, keeps_time)
{
	struct sampler sampler;

	sampler_init(&sampler, 100);
	cr_expect_eq(sampler_timeout(&sampler, 5), -1, "not sampling");
	sampler_start(&sampler, 1000);
	cr_expect_eq(sampler_timeout(&sampler, 1000), 100);
	cr_expect_eq(sampler_timeout(&sampler, 1099), 1);
	cr_expect_eq(sampler_timeout(&sampler, 1100), 0);
	cr_expect_eq(sampler_timeout(&sampler, 1101), 0);
	cr_expect_null(sampler_take(&sampler, 1099));
	/* No counter to tell; late, and still one interval from now. */
	cr_expect_null(sampler_take(&sampler, 1950));
	cr_expect_eq(sampler_timeout(&sampler, 1950), 100);
	sampler_stop(&sampler);
	cr_expect_eq(sampler_timeout(&sampler, 9999), -1);
	sampler_release(&sampler);
}

/* Due at every call, and nothing to read: only the pace is looked at. */
Test(monitor_sampler, a_long_run_is_sampled_less_often)
{
	struct sampler sampler = {.root_fd = -1, .interval_ms = 100};
	uint64_t now = 1;
	struct {
		unsigned samples;
		uint64_t interval_ms;
	} rows[] = {
		{SAMPLER_ROUND - 1, 100}, {1, 100}, {1, 200}, {SAMPLER_ROUND - 1, 200}, {1, 400}};

	cgroup_reader_init(&sampler.reader);
	sampler_start(&sampler, now);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned k = 0; k < rows[i].samples; k++) {
			now = sampler.next_ms;
			cr_assert_null(sampler_take(&sampler, now));
		}
		cr_expect_eq(sampler.next_ms - now, rows[i].interval_ms, "row %zu: %llu ms", i,
			     (unsigned long long)(sampler.next_ms - now));
	}
}
