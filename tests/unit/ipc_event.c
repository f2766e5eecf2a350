/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/event.h"

#include "ipc/object.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

Test(ipc_event, every_type_and_observer_has_a_name_of_its_own)
{
	for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
		cr_assert_not_null(event_type_name((enum event_type)type), "type %d", type);
		cr_expect_eq(event_type_parse(event_type_name((enum event_type)type)),
			     (enum event_type)type);
		cr_expect_eq(event_type_closes((enum event_type)type),
			     type == EVENT_RUN_CLEANED || type == EVENT_RUN_FAILED);
	}
	cr_expect_eq(event_type_parse("vm.start"), EVENT_TYPE_COUNT);
	cr_expect_eq(event_type_parse(""), EVENT_TYPE_COUNT);
	for (int observer = 0; observer < EVENT_OBSERVER_COUNT; observer++)
		cr_expect_not_null(event_observer_name((enum event_observer)observer));
}

static const struct {
	const char *text;
	bool valid;
} times[] = {
	{"2026-01-01T00:00:00.000000000Z", true},
	{"0000-01-01T00:00:00.000000000Z", true},
	{"2024-02-29T23:59:59.999999999Z", true},
	{"2000-02-29T12:00:00.000000000Z", true},
	{"2023-02-29T00:00:00.000000000Z", false},
	{"1900-02-29T00:00:00.000000000Z", false},
	{"2023-04-31T00:00:00.000000000Z", false},
	{"2023-12-31T00:00:00.000000000Z", true},
	{"2023-12-32T00:00:00.000000000Z", false},
	{"2023-13-01T00:00:00.000000000Z", false},
	{"2023-00-01T00:00:00.000000000Z", false},
	{"2023-01-00T00:00:00.000000000Z", false},
	{"2023-01-01T24:00:00.000000000Z", false},
	{"2023-01-01T23:60:00.000000000Z", false},
	{"2023-01-01T23:59:60.000000000Z", false},
	{"2023-01-01T00:00:00.00000000Z", false},
	{"2023-01-01T00:00:00.0000000000Z", false},
	{"2023-01-01T00:00:00Z", false},
	{"2023-01-01 00:00:00.000000000Z", false},
	{"2023-01-01t00:00:00.000000000z", false},
	{"2023-01-01T00:00:00.000000000+", false},
	{"-023-01-01T00:00:00.000000000Z", false},
	{"", false},
};

Test(ipc_event, timestamps_are_utc_with_nanoseconds)
{
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		cr_expect_eq(event_timestamp_valid(times[i].text), times[i].valid, "%s",
			     times[i].text);
}

static void library_time(char *out, size_t size)
{
	struct timespec now;
	char seconds[32];

	clock_gettime(CLOCK_REALTIME, &now);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", gmtime(&now.tv_sec));
	snprintf(out, size, "%s.%09ldZ", seconds, now.tv_nsec);
}

/* Against the library's calendar, which a confined stage cannot use. */
Test(ipc_event, now_is_what_the_library_says)
{
	char before[64], text[EVENT_TIMESTAMP_SIZE], after[64];

	library_time(before, sizeof(before));
	event_timestamp_now(text);
	library_time(after, sizeof(after));
	cr_expect(event_timestamp_valid(text), "%s", text);
	cr_expect_geq(strcmp(text, before), 0, "%s before %s", text, before);
	cr_expect_leq(strcmp(text, after), 0, "%s after %s", text, after);
}

Test(ipc_event, formats_every_day_to_the_year_9999)
{
	char text[EVENT_TIMESTAMP_SIZE], expected[64];

	for (time_t at = 0; at < 253402300800; at += 86399) {
		event_timestamp_format((uint64_t)at, 7, text);
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000000007Z", gmtime(&at));
		cr_assert_str_eq(text, expected);
		cr_assert(event_timestamp_valid(text));
	}
}

Test(ipc_event, boot_time_never_goes_back)
{
	uint64_t last = 0;

	for (int i = 0; i < 1000; i++) {
		uint64_t now = event_boot_ns();

		cr_assert_geq(now, last);
		last = now;
	}
	cr_expect_gt(last, 0);
}

#define PAYLOAD "{\"bootNs\":\"12\",\"observedBy\":\"launcher\"}"
#define EVENT_WITH(payload, run_id, seq, stage, timestamp, type)                                   \
	"{\"payload\":" payload ",\"runId\":" run_id ",\"seq\":" seq ",\"stage\":" stage           \
	",\"timestamp\":" timestamp ",\"type\":" type "}"
#define RUN_ID "\"sr-20260101-000000-0123abcd\""
#define TIME   "\"2026-01-01T00:00:00.000000000Z\""

static const struct {
	const char *line;
	const char *path; /* NULL: accepted */
} events[] = {
	{EVENT_WITH(PAYLOAD, RUN_ID, "0", "\"launch\"", TIME, "\"compile\""), NULL},
	{EVENT_WITH(PAYLOAD, RUN_ID, "9007199254740991", "\"a.b_C:+-9\"", TIME, "\"run.failed\""),
	 NULL},
	{EVENT_WITH("{\"bootNs\":\"18446744073709551615\",\"observedBy\":\"seal\",\"x\":[1]}",
		    RUN_ID, "1", "\"l\"", TIME, "\"vm.exited\""),
	 NULL},
	{"", ""},
	{"[]", ""},
	{"{}", "payload"},
	{EVENT_WITH(PAYLOAD, RUN_ID, "-1", "\"l\"", TIME, "\"compile\""), "seq"},
	{EVENT_WITH(PAYLOAD, RUN_ID, "\"1\"", "\"l\"", TIME, "\"compile\""), "seq"},
	{EVENT_WITH(PAYLOAD, RUN_ID, "1", "\"\"", TIME, "\"compile\""), "stage"},
	{EVENT_WITH(PAYLOAD, RUN_ID, "1", "\"a|b\"", TIME, "\"compile\""), "stage"},
	{EVENT_WITH(PAYLOAD, RUN_ID, "1", "\"a b\"", TIME, "\"compile\""), "stage"},
	{EVENT_WITH(PAYLOAD, RUN_ID, "1", "\"l\"", TIME, "\"Compile\""), "type"},
	{EVENT_WITH(PAYLOAD, RUN_ID, "1", "\"l\"", TIME, "null"), "type"},
	{EVENT_WITH(PAYLOAD, "\"../x\"", "1", "\"l\"", TIME, "\"compile\""), "runId"},
	{EVENT_WITH(PAYLOAD, RUN_ID, "1", "\"l\"", "\"2026-01-01\"", "\"compile\""), "timestamp"},
	{EVENT_WITH("[]", RUN_ID, "1", "\"l\"", TIME, "\"compile\""), "payload"},
	{EVENT_WITH("null", RUN_ID, "1", "\"l\"", TIME, "\"compile\""), "payload"},
	{EVENT_WITH("{\"observedBy\":\"seal\"}", RUN_ID, "1", "\"l\"", TIME, "\"compile\""),
	 "payload.bootNs"},
	{EVENT_WITH("{\"bootNs\":12,\"observedBy\":\"seal\"}", RUN_ID, "1", "\"l\"", TIME,
		    "\"compile\""),
	 "payload.bootNs"},
	{EVENT_WITH("{\"bootNs\":\"012\",\"observedBy\":\"seal\"}", RUN_ID, "1", "\"l\"", TIME,
		    "\"compile\""),
	 "payload.bootNs"},
	{EVENT_WITH("{\"bootNs\":\"18446744073709551616\",\"observedBy\":\"seal\"}", RUN_ID, "1",
		    "\"l\"", TIME, "\"compile\""),
	 "payload.bootNs"},
	{EVENT_WITH("{\"bootNs\":\"\",\"observedBy\":\"seal\"}", RUN_ID, "1", "\"l\"", TIME,
		    "\"compile\""),
	 "payload.bootNs"},
	{EVENT_WITH("{\"bootNs\":\"-1\",\"observedBy\":\"seal\"}", RUN_ID, "1", "\"l\"", TIME,
		    "\"compile\""),
	 "payload.bootNs"},
	{EVENT_WITH("{\"bootNs\":\"1\"}", RUN_ID, "1", "\"l\"", TIME, "\"compile\""),
	 "payload.observedBy"},
	{EVENT_WITH("{\"bootNs\":\"1\",\"observedBy\":\"me\"}", RUN_ID, "1", "\"l\"", TIME,
		    "\"compile\""),
	 "payload.observedBy"},
	{"{\"extra\":1," /* sorts before payload */
	 "\"payload\":" PAYLOAD ",\"runId\":" RUN_ID
	 ",\"seq\":0,\"stage\":\"l\",\"timestamp\":" TIME ",\"type\":\"compile\"}",
	 "extra"},
	{"{\"payload\":" PAYLOAD ",\"runId\":" RUN_ID
	 ",\"seq\":0,\"stage\":\"l\",\"timestamp\":" TIME ",\"type\": \"compile\"}",
	 ""},
};

Test(ipc_event, reads_events_strictly)
{
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		struct fault fault = {0};
		struct event event;
		enum fault_code code = event_parse(events[i].line, strlen(events[i].line),
						   FAULT_EVIDENCE_EVENT, &event, &fault);

		cr_expect_eq(code == FAULT_NONE, events[i].path == NULL, "%s: %s %s",
			     events[i].line, fault.path, fault.message);
		if (events[i].path != NULL)
			cr_expect_str_eq(fault.path, events[i].path, "%s: %s", events[i].line,
					 fault.message);
		cr_expect_eq(event.root == NULL, code != FAULT_NONE);
		event_release(&event);
	}
}

Test(ipc_event, what_is_emitted_is_read_back)
{
	struct event_writer writer = {.run_id = "sr-1", .stage = "launch"};
	char line[4096];
	ssize_t len;

	writer.sink = (struct record_sink){.fd = memfd_create("out", 0), .record_fd = -1};
	for (uint64_t seq = 0; seq < 3; seq++) {
		struct json_object *payload = object_new();
		struct fault fault;
		struct event event;

		object_add_string(payload, "key", "value");
		cr_assert_eq(
			event_emit(&writer, EVENT_VM_STARTED, EVENT_BY_LAUNCHER, payload, &fault),
			FAULT_NONE);
		cr_assert_eq(writer.next_seq, seq + 1);
		cr_assert_eq(lseek(writer.sink.fd, 0, SEEK_SET), 0);
		len = read(writer.sink.fd, line, sizeof(line));
		cr_assert_gt(len, 1);
		cr_assert_eq(line[len - 1], '\n');
		cr_assert_eq(ftruncate(writer.sink.fd, 0), 0);
		cr_assert_eq(lseek(writer.sink.fd, 0, SEEK_SET), 0);
		cr_assert_eq(event_parse(line, (size_t)len - 1, FAULT_RUN_INIT, &event, &fault),
			     FAULT_NONE, "%s", fault.message);
		cr_expect_eq(event.seq, seq);
		cr_expect_eq(event.type, EVENT_VM_STARTED);
		cr_expect_str_eq(event.run_id, "sr-1");
		cr_expect_str_eq(event.stage, "launch");
		cr_expect_leq(event.boot_ns, event_boot_ns());
		cr_expect_str_eq(
			json_object_get_string(json_object_object_get(event.payload, "key")),
			"value");
		event_release(&event);
	}
	close(writer.sink.fd);
}

/* The payload is released and the number not used up: the sanitizer build watches the first. */
/* A pipe in packet mode (pipe(2), O_DIRECT) keeps the writes apart. */
Test(ipc_event, a_held_event_travels_with_the_next)
{
	static char packet[2 * RECORD_EVENT_MAX];
	int ends[2];
	struct event_writer writer = {.run_id = "sr-1", .stage = "launch"};
	struct fault fault;
	ssize_t len;

	cr_assert_eq(pipe2(ends, O_DIRECT | O_NONBLOCK | O_CLOEXEC), 0);
	writer.sink = (struct record_sink){.fd = ends[1], .record_fd = -1};
	for (int round = 0; round < 2; round++) {
		cr_assert_eq(event_hold(&writer, EVENT_VM_STARTED, EVENT_BY_LAUNCHER, object_new(),
					&fault),
			     FAULT_NONE);
		cr_expect_eq(read(ends[0], packet, sizeof(packet)), -1);
		cr_assert_eq(event_emit(&writer, EVENT_RESOURCE_SAMPLED, EVENT_BY_LAUNCHER,
					object_new(), &fault),
			     FAULT_NONE);
		len = read(ends[0], packet, sizeof(packet));
		cr_assert_gt(len, 0);
		packet[len] = '\0';
		cr_expect_not_null(strstr(packet, round == 0 ? "\"seq\":0," : "\"seq\":2,"));
		cr_expect_not_null(strstr(packet, round == 0 ? "\"seq\":1," : "\"seq\":3,"));
		cr_expect_lt(strstr(packet, "vm.started"), strstr(packet, "resource.sampled"));
		cr_expect_eq(packet[len - 1], '\n');
		cr_expect_null(writer.held.data);
	}
	close(ends[0]);
	close(ends[1]);
}

Test(ipc_event, a_failed_write_uses_no_number_and_leaks_nothing)
{
	struct event_writer writer = {.run_id = "sr-1", .stage = "launch", .next_seq = 7};
	struct fault fault;

	writer.sink = (struct record_sink){.fd = open("/dev/full", O_WRONLY), .record_fd = -1};
	cr_expect_eq(event_emit(&writer, EVENT_COMPILE, EVENT_BY_LAUNCHER, object_new(), &fault),
		     FAULT_EVIDENCE_EVENT);
	cr_expect_eq(writer.next_seq, 7);
	close(writer.sink.fd);
}

static const struct {
	const char *text;
	bool valid;
} run_ids[] = {
	{"sr-20260101-000000-0123abcd", true},
	{"a", true},
	{"0", true},
	{"Z-", true},
	{"", false},
	{"-a", false},
	{"a.b", false},
	{"a/b", false},
	{"../a", false},
	{"a b", false},
	{"a\n", false},
	{"\xc3\xa9", false},
	{"a_b", false},
};

Test(ipc_runid, letters_digits_and_hyphens)
{
	char text[RUNID_MAX + 2];

	for (size_t i = 0; i < sizeof(run_ids) / sizeof(run_ids[0]); i++)
		cr_expect_eq(runid_valid(run_ids[i].text), run_ids[i].valid, "%s", run_ids[i].text);
	for (size_t len = RUNID_MAX - 1; len <= RUNID_MAX + 1; len++) {
		memset(text, 'x', len);
		text[len] = '\0';
		cr_expect_eq(runid_valid(text), len <= RUNID_MAX, "%zu", len);
	}
}

Test(ipc_runid, made_ids_are_valid_and_differ)
{
	char first[RUNID_SIZE], second[RUNID_SIZE];

	cr_assert_eq(runid_make(first), 0);
	cr_assert_eq(runid_make(second), 0);
	cr_expect(runid_valid(first));
	cr_expect_eq(strlen(first), strlen("sr-20260101-000000-0123abcd"));
	cr_expect_eq(strncmp(first, "sr-20", 5), 0);
	cr_expect_eq(first[11], '-');
	cr_expect_eq(first[18], '-');
	cr_expect_str_neq(first, second);
}
