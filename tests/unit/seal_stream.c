/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/closing.h"
#include "stages/seal/stream.h"

#include "ipc/canon.h"
#include "tests/support/evidence.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static bool contains(const struct buf *text, const char *part)
{
	return memmem(text->data, text->len, part, strlen(part)) != NULL;
}

static void seal_changed(const char *find, const char *replace, int nth, struct buf *report)
{
	struct buf stream;

	buf_init(&stream, EVIDENCE_MAX);
	buf_init(report, EVIDENCE_MAX);
	evidence_finished(&stream);
	if (find != NULL)
		evidence_replace(&stream, find, replace, nth);
	evidence_seal(&stream, report);
	buf_release(&stream);
	cr_assert(canon_check(report->data, report->len, NULL), "%s", replace);
}

/* The whole format in one number: a change of any byte of a report must be meant. */
Test(seal_stream, a_report_is_a_pure_function_of_its_events)
{
	struct buf report;

	seal_changed(NULL, NULL, 0, &report);
	/* Recomputed once by a Python script of its own, which shares no line with this program. */
	cr_expect(contains(&report,
			   "\"digest\":\"sha256:"
			   "810bc6dd0006a0722f1f5f36c7cc599002213881e5c9d3cec6379c726df93195"
			   "\""));
	cr_expect(contains(&report, "\"resourceUsage\":{\"cpuUsageUs\":9,\"memoryPeakBytes\":8192,"
				    "\"pidsPeak\":1,\"samples\":4,\"wallMs\":12}"));
	cr_expect(contains(&report, "\"mountAudit\":{\"accepted\":1,\"reasons\":[],\"rejected\":0,"
				    "\"requested\":1}"));
	cr_expect(contains(&report, "\"networkAudit\":{\"allowedHits\":0,\"blockedHits\":0,"
				    "\"mode\":\"none\",\"rulesTotal\":0}"));
	cr_expect(contains(&report, "\"eventCount\":12,\"observedBy\":\"monitor\""));
	buf_release(&report);
}

#define EXTRA                                                                                      \
	"{\"payload\":{\"bootNs\":\"9999\",\"observedBy\":\"monitor\"},\"runId\":"                 \
	"\"" EVIDENCE_RUN_ID                                                                       \
	"\",\"seq\":12,\"stage\":\"monitor\",\"timestamp\":\"2026-01-01T00:00:00.000000000Z\","    \
	"\"type\":\"vm.started\"}\n"

/* Each refusal is sealed, named by place and reason, and never taken in. */
static const struct {
	const char *name, *find, *replace;
	int nth;
	const char *path;    /* in errors[0] of the closing event */
	const char *message; /* part of it */
	size_t events;	     /* in the report */
} refusals[] = {
	{"not canonical", "\"seq\":4", "\"seq\": 4", 0, "events[4]", "not canonical", 5},
	{"not JSON", "\"seq\":4", "\"seq\"=4", 0, "events[4]", "not canonical", 5},
	{"number skipped", "\"seq\":4", "\"seq\":5", 0, "events[4].seq", "5 where 4", 5},
	{"number again", "\"seq\":4", "\"seq\":3", 0, "events[4].seq", "3 where 4", 5},
	{"second run", EVIDENCE_RUN_ID, "sr-other", 6, "events[6].runId", "sr-other", 7},
	{"time back", "\"bootNs\":\"8000\"", "\"bootNs\":\"1\"", 0, "events[10].payload.bootNs",
	 "time goes back", 11},
	{"unknown type", "\"vm.started\"", "\"vm.begun\"", 0, "events[4].type", "vm.begun", 5},
	{"unknown field", "\"seq\":4", "\"seq\":4,\"size\":1", 0, "events[4].stage", "size", 5},
	{"no bootNs", "\"bootNs\":\"4000\",", "", 0, "events[4].payload.bootNs", "decimal", 5},
	{"compile again", "\"vm.started\"", "\"compile\"", 0, "events[4].type", "only the first",
	 5},
	{"prepared again", "\"vm.started\"", "\"run.prepared\"", 0, "events[4].type",
	 "only one run.prepared", 5},
	{"falls back before it starts", "\"mount.applied\"", "\"vm.fallback\"", 0, "events[2].type",
	 "behind vm.started", 3},
	{"sample without numbers", "\"usageUs\":6", "\"usageUs\":\"6\"", 0, "events[6].payload",
	 "not a resource sample", 7},
	{"enforcement missing", "\"enforcement\"", "\"enforcements\"", 0,
	 "events[3].payload.enforcement", "missing", 4},
	{"hash in capitals", "c0c0c0c0c0c0c0c0\"", "c0c0c0c0c0c0c0C0\"", 0,
	 "events[0].payload.artifacts.commandHash", "form", 2},
	{"artifact nobody knows", "\"artifacts\":{", "\"artifacts\":{\"aHash\":null,", 0,
	 "events[0].payload.artifacts.aHash", "no field", 2},
	{"kernel that is not the one hashed", "\"release\":\"6.1\"", "\"release\":\"6.2\"", 0,
	 "events[0].payload.artifacts.kernelHash", "the hash of payload.kernel", 2},
	{"nonce too short", "\"00112233445566778899aabbccddeeff\"", "\"00\"", 0,
	 "events[0].payload.nonce", "32 hex", 2},
	{"outcome missing", "\"outcome\"", "\"outcomes\"", 0, "events[11].payload.outcome",
	 "missing", 12},
	{"finished with 1", "\"exitCode\":0,\"signal\":null,\"state\"",
	 "\"exitCode\":1,\"signal\":null,\"state\"", 0, "events[11].payload.outcome.exitCode",
	 "exits with 0", 12},
	{"not what vm.exited saw", "\"exitCode\":0,\"forwarded\"", "\"exitCode\":3,\"forwarded\"",
	 0, "events[11].payload.outcome.exitCode", "vm.exited", 12},
	{"cleaned but failed", "\"finished\"", "\"failed\"", 0, "events[11].payload.outcome.state",
	 "finished", 12},
	{"cause nobody knows", "\"cause\":\"exit\"", "\"cause\":\"luck\"", 0,
	 "events[11].payload.outcome.cause", "no such cause", 12},
	{"error code nobody knows", "\"errors\":[],\"observedBy\":\"monitor\"",
	 "\"errors\":[{\"code\":\"SR-XXX-001\",\"message\":\"\",\"path\":\"\"}],"
	 "\"observedBy\":\"monitor\"",
	 0, "events[11].payload.errors[0]", "registry", 12},
	{"counts for itself", "\"errors\":[],\"observedBy\":\"monitor\"",
	 "\"errors\":[],\"eventCount\":12,\"observedBy\":\"monitor\"", 0,
	 "events[11].payload.eventCount", "only sr-seal counts", 12},
	{"first not compile", "\"type\":\"compile\"", "\"type\":\"vm.started\"", 0,
	 "events[0].type", "first event must be compile", 2},
	{"behind the closing event", "\"type\":\"run.cleaned\"}\n",
	 "\"type\":\"run.cleaned\"}\n" EXTRA, 0, "events[12]", "behind the closing", 12},
	{"field nobody writes", "\"isolation\":\"process\",\"obs",
	 "\"hidden\":1,\"isolation\":\"process\",\"obs", 0, "events[4].payload.hidden", "no field",
	 5},
	{"counter nobody writes", "\"usageUs\":6", "\"usageNs\":1,\"usageUs\":6", 0,
	 "events[6].payload", "not a resource sample", 7},
	{"exits without a start", "\"vm.started\"", "\"mount.applied\"", 0,
	 "events[4].payload.executable", "no field", 5},
	{"signal and its number", "\"signal\":null,\"signalNumber\":null",
	 "\"signal\":null,\"signalNumber\":9", 0, "events[10].payload.signal", "as well", 11},
	{"out of memory without a kill", "\"cause\":\"exit\"", "\"cause\":\"oom\"", 0,
	 "events[11].payload.outcome.cause", "make it exit", 12},
	{"limit, and yet finished", "\"caller-closed\"", "\"limit\"", 0,
	 "events[11].payload.outcome.cause", "make it output", 12},
	{"other stop", "\"stopReason\":null", "\"stopReason\":\"bored\"", 0,
	 "events[10].payload.stopReason", "no such reason", 11},
	{"arguments where there are none", "\"argsCount\"", "\"args\":[],\"argsCount\"", 0,
	 "events[0].payload.policySummary.args", "full", 2},
	{"not the command's hash", "\"argsCount\":1,\"auditLevel\":\"basic\"",
	 "\"args\":[\"a\"],\"argsCount\":1,\"auditLevel\":\"full\"", 0,
	 "events[0].payload.artifacts.commandHash", "command and arguments", 2},
	{"closed twice", "\"type\":\"vm.exited\"}\n", "\"type\":\"run.cleaned\"}\n", 0,
	 "events[10].payload.cleanup", "missing", 11},
	{"cut inside a record", "\"type\":\"run.cleaned\"}\n", "\"type\":\"run.cl", 0, "events[11]",
	 "inside a record", 12},
	{"cut before the line feed", "\"type\":\"run.cleaned\"}\n", "\"type\":\"run.cleaned\"}", 0,
	 "events[11]", "inside a record", 12},
	{"empty line", "\"type\":\"vm.started\"}\n", "\"type\":\"vm.started\"}\n\n", 0, "events[5]",
	 "not canonical", 6},
};

static size_t count_events(const struct buf *report)
{
	size_t count = 0;

	for (const char *at = report->data;
	     (at = memmem(at, (size_t)(report->data + report->len - at), "\"hashSelf\"", 10)) !=
	     NULL;
	     at++)
		count++;
	return count;
}

Test(seal_stream, what_is_refused_is_named)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct buf report;
		char needle[256];

		seal_changed(refusals[i].find, refusals[i].replace, refusals[i].nth, &report);
		snprintf(needle, sizeof(needle), "\"path\":\"%s\"}", refusals[i].path);
		cr_expect(contains(&report, needle), "%s: no %s in %.*s", refusals[i].name, needle,
			  (int)report.len, report.data);
		cr_expect(contains(&report, refusals[i].message), "%s: no %s", refusals[i].name,
			  refusals[i].message);
		cr_expect(contains(&report, "\"code\":\"SR-EVD-001\""), "%s", refusals[i].name);
		cr_expect(contains(&report, "\"cause\":\"stage-lost\""), "%s", refusals[i].name);
		cr_expect(contains(&report, ",\"state\":\"failed\",\"verdict\":"), "%s",
			  refusals[i].name);
		cr_expect_eq(count_events(&report), refusals[i].events, "%s: %zu events",
			     refusals[i].name, count_events(&report));
		buf_release(&report);
	}
}

Test(seal_stream, a_stream_without_an_end_says_so)
{
	struct buf stream, report;

	buf_init(&stream, EVIDENCE_MAX);
	buf_init(&report, EVIDENCE_MAX);
	evidence_finished(&stream);
	stream.len = (size_t)((char *)memmem(stream.data, stream.len,
					     "{\"payload\":{\"bootNs\":\"8000\"", 25) -
			      stream.data);
	evidence_seal(&stream, &report);
	cr_expect(contains(&report, "\"code\":\"SR-EVD-305\""));
	cr_expect(!contains(&report, "SR-EVD-001"));
	cr_expect_eq(count_events(&report), 11);
	buf_release(&report);
	buf_clear(&stream);
	buf_init(&report, EVIDENCE_MAX);
	evidence_seal(&stream, &report);
	cr_expect(contains(&report, "\"code\":\"SR-EVD-305\""));
	cr_expect(contains(&report, "\"commandHash\":null"));
	cr_expect_eq(count_events(&report), 2);
	buf_release(&report);
	buf_release(&stream);
}

/* A report holds its events two levels down and stays within the depth every reader allows. */
Test(seal_stream, depth_of_an_event)
{
	for (int depth = CANON_DEPTH_MAX - 3; depth <= CANON_DEPTH_MAX - 1; depth++) {
		char nested[128] = "\"index\":";
		struct buf report;

		for (int i = 0; i < depth - 2; i++)
			strcat(nested, "[");
		for (int i = 0; i < depth - 2; i++)
			strcat(nested, "]");
		seal_changed("\"index\":0", nested, 0, &report);
		cr_expect_eq(contains(&report, "nested deeper"), depth > CANON_DEPTH_MAX - 2, "%d",
			     depth);
		buf_release(&report);
	}
}

/* A member whose name sorts next to eventCount in every way the order can go wrong. */
Test(seal_stream, event_count_takes_its_place_in_the_order)
{
	static const char *const names[] = {"event",  "eventCount0", "event\\\"",     "event\\\\",
					    "eventB", "eventD",	     "errors\\u0001", "a"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char payload[256];
		struct buf line, out;
		struct fault fault;
		struct head head;

		buf_init(&line, EVIDENCE_MAX);
		buf_init(&out, EVIDENCE_MAX);
		snprintf(payload, sizeof(payload),
			 "{%s%s%s\"bootNs\":\"1\",%s%s%s\"observedBy\":\"monitor\"}",
			 names[i][0] < 'b' ? "\"" : "", names[i][0] < 'b' ? names[i] : "",
			 names[i][0] < 'b' ? "\":1," : "", names[i][0] > 'b' ? "\"" : "",
			 names[i][0] > 'b' ? names[i] : "", names[i][0] > 'b' ? "\":1," : "");
		evidence_event(&line, 7, "monitor", "run.failed", payload);
		cr_assert_eq(head_read(line.data, line.len - 1, HEAD_TRAVELLING,
				       FAULT_EVIDENCE_EVENT, &head, &fault),
			     FAULT_NONE, "%s", fault.message);
		closing_complete(&head, 7, &out);
		cr_expect(canon_check(out.data, out.len, NULL), "%s", names[i]);
		cr_expect(contains(&out, "\"eventCount\":8"), "%s", names[i]);
		buf_release(&line);
		buf_release(&out);
	}
}
