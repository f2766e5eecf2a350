/* SPDX-License-Identifier: Apache-2.0 */
/* sr-monitor itself, over pipes, with the test as launcher, workload, caller and sealer. */
#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/launch/cgroup.h"
#include "stages/seal/digest.h"
#include "tests/stage/monitor_watch.h"
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_LIMIT   (1ULL << 40)
#define ALL_OUTPUT (WATCH_OUT | WATCH_ERR | WATCH_LOGS | WATCH_CONTROL)

/* A member of a record by a path such as "payload.output.stdout.bytes"; NULL when null or missing.
 */
static struct json_object *member(struct json_object *record, const char *path)
{
	char copy[128];
	char *rest = NULL;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	for (char *name = strtok_r(copy, ".", &rest); name != NULL;
	     name = strtok_r(NULL, ".", &rest)) {
		struct json_object *next = NULL;

		if (!json_object_object_get_ex(record, name, &next))
			return NULL;
		record = next;
	}
	return record;
}

static struct json_object *parse(const char *line)
{
	struct json_object *record = NULL;
	struct fault fault;
	const char *end = strchr(line, '\n');

	cr_assert_not_null(end, "no record");
	cr_assert_eq(canon_parse(line, (size_t)(end - line), FAULT_RUN_LAUNCH, &record, &fault),
		     FAULT_NONE, "%s: %s", fault.path, fault.message);
	return record;
}

static void expect_text(struct json_object *record, const char *path, const char *text)
{
	struct json_object *value = member(record, path);

	cr_expect_not_null(value, "%s is missing", path);
	cr_expect_str_eq(value != NULL ? json_object_get_string(value) : "", text, "%s", path);
}

static void expect_count(struct json_object *record, const char *path, int64_t count)
{
	struct json_object *value = member(record, path);

	cr_expect_not_null(value, "%s is missing", path);
	cr_expect_eq(json_object_get_int64(value), count, "%s is %lld", path,
		     (long long)json_object_get_int64(value));
}

static void expect_flag(struct json_object *record, const char *path, bool set)
{
	struct json_object *value = member(record, path);

	cr_expect_not_null(value, "%s is missing", path);
	cr_expect_eq(json_object_get_boolean(value) != 0, set, "%s", path);
}

static void hash_of(const void *data, size_t len, char out[DIGEST_TEXT_SIZE])
{
	uint8_t value[DIGEST_SIZE];

	cr_assert_eq(digest_prewarm(), 0);
	digest_bytes(data, len, value);
	digest_text(value, out);
}

static char *make_data(size_t len)
{
	char *data = malloc(len + 1);

	cr_assert_not_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 31 + i / 253);
	return data;
}

static off_t size_of(int fd)
{
	struct stat info;

	cr_assert_eq(fstat(fd, &info), 0);
	return info.st_size;
}

Test(stage_monitor, a_run_without_output)
{
	struct watch watch;

	watch_start(&watch, 0, NULL);
	watch_begin(&watch, NO_LIMIT);
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
	cr_expect_eq(watch.status, 0);
	expect_text(last, "type", "run.cleaned");
	expect_text(last, "stage", "monitor");
	expect_text(last, "runId", WATCH_RUN);
	expect_count(last, "seq", 4);
	expect_text(last, "payload.observedBy", "monitor");
	expect_text(last, "payload.outcome.state", "finished");
	expect_text(last, "payload.outcome.cause", "exit");
	expect_count(last, "payload.outcome.exitCode", 0);
	expect_flag(last, "payload.output.captured", false);
	cr_expect_null(member(last, "payload.output.stdout"));
	cr_expect_null(member(last, "payload.output.stdin"));
	cr_expect_eq(json_object_array_length(member(last, "payload.errors")), 0);
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
		struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
		cr_expect_eq(strncmp(watch.text, stream, sizeof(stream) - 1), 0, "%s", watch.text);
		expect_count(last, "seq", 2);
		expect_text(last, "payload.outcome.cause", "stage-lost");
		expect_count(last, "payload.outcome.exitCode", 125);
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
		struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
		cr_expect_eq(watch.status, 0, "the stream was delivered");
		expect_text(last, "type", "run.failed");
		expect_text(last, "payload.outcome.cause", "stage-lost");
		expect_count(last, "payload.output.stdout.bytes", 4);
		cr_expect_not_null(strstr(json_object_get_string(last), "record 3"));
		watch_release(&watch);
	}
}

Test(stage_monitor, nobody_to_write_to_ends_it)
{
	struct watch watch;
	int status = 0;

	watch_start(&watch, 0, NULL);
	watch_close(&watch.records_fd);
	watch_begin(&watch, NO_LIMIT);
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

static void write_all_and_exit(int fd, const char *data, size_t len)
{
	pid_t pid = fork();

	if (pid == 0) {
		while (len > 0) {
			ssize_t put = write(fd, data, len);

			if (put <= 0)
				_exit(errno == EPIPE ? 13 : 1);
			data += put;
			len -= (size_t)put;
		}
		_exit(0);
	}
	cr_assert_gt(pid, 0);
}

static int reap_any(void)
{
	int status = 0;

	cr_assert_gt(wait(&status), 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* RG6: all of a flood is hashed and handed on, in little memory. */
Test(stage_monitor, a_hundred_megabytes_arrive_whole)
{
	size_t len = 100000000;
	char *data = make_data(len);
	char *got = malloc(len);
	char want[DIGEST_TEXT_SIZE];
	struct watch watch;

	hash_of(data, len, want);
	watch_start(&watch, WATCH_OUT | WATCH_ERR | WATCH_COPY_OUT, NULL);
	watch_begin(&watch, NO_LIMIT);
	write_all_and_exit(watch.out_fd, data, len);
	cr_assert_eq(watch_read(watch.copy_out_fd, got, len), len);
	cr_expect_eq(memcmp(got, data, len), 0);
	cr_expect_eq(reap_any(), 0);
	cr_expect(getenv("SAN") != NULL || watch_peak_kib(&watch) < 4096, "%ld KiB",
		  watch_peak_kib(&watch));
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
	expect_flag(last, "payload.output.captured", true);
	expect_count(last, "payload.output.stdout.bytes", (int64_t)len);
	expect_text(last, "payload.output.stdout.sha256", want);
	expect_flag(last, "payload.output.stdout.truncated", false);
	expect_count(last, "payload.output.stderr.bytes", 0);
	watch_release(&watch);
	free(data);
	free(got);
}

Test(stage_monitor, the_log_ends_exactly_at_the_limit)
{
	enum { LIMIT = 300000 };
	char *data = make_data(LIMIT + 1);

	for (size_t len = LIMIT - 1; len <= LIMIT + 1; len++) {
		bool over = len > LIMIT;
		char want[DIGEST_TEXT_SIZE];
		struct watch watch;

		hash_of(data, len, want);
		watch_start(&watch, ALL_OUTPUT | WATCH_COPY_OUT, NULL);
		watch_begin(&watch, LIMIT);
		watch_write(watch.out_fd, data, 1);
		(void)watch_await(&watch, "vm.started"); /* the limit is known */
		write_all_and_exit(watch.out_fd, data + 1, len - 1);
		char *got = malloc(len);
		size_t kept = over ? LIMIT : len;
		cr_expect_eq(watch_read(watch.copy_out_fd, got, kept), kept);
		cr_expect_eq(memcmp(got, data, kept), 0);
		free(got);
		cr_expect_eq(reap_any(), 0);
		if (over)
			(void)watch_await(&watch,
					  "\"limitBytes\":300000,\"observedBy\":\"monitor\","
					  "\"reason\":\"limit\",\"stream\":\"stdout\"");
		watch_end(&watch);
		struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
		cr_expect_eq(size_of(watch.out_log_fd), (off_t)kept);
		expect_count(last, "payload.output.stdout.loggedBytes", (int64_t)kept);
		expect_count(last, "payload.output.stdout.bytes", (int64_t)len);
		expect_text(last, "payload.output.stdout.sha256", want);
		expect_flag(last, "payload.output.stdout.truncated", over);
		expect_text(last, "payload.outcome.cause", over ? "output" : "exit");
		expect_count(last, "payload.outcome.exitCode", over ? 137 : 0);
		char stop[32] = "";
		cr_expect_eq(watch_read(watch.control_fd, stop, sizeof(stop)),
			     over ? strlen("{\"stop\":\"output\"}\n") : 0);
		cr_expect_str_eq(stop, over ? "{\"stop\":\"output\"}\n" : "");
		watch_release(&watch);
	}
	free(data);
}

Test(stage_monitor, both_streams_share_the_limit)
{
	struct watch watch;

	watch_start(&watch, ALL_OUTPUT, NULL);
	watch_begin(&watch, 10);
	(void)watch_await(&watch, "vm.started");
	watch_write(watch.out_fd, "12345678", 8);
	watch_close(&watch.out_fd);
	while (size_of(watch.out_log_fd) < 8)
		;
	watch_write(watch.err_fd, "abc", 3);
	(void)watch_await(&watch, "\"stream\":\"stderr\"");
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
	expect_count(last, "payload.output.stdout.loggedBytes", 8);
	expect_flag(last, "payload.output.stdout.truncated", false);
	expect_count(last, "payload.output.stderr.loggedBytes", 2);
	expect_count(last, "payload.output.stderr.bytes", 3);
	watch_release(&watch);
}

/* RG6: a caller that does not read holds up the workload, and neither the records nor a CPU. */
Test(stage_monitor, a_reader_that_stalls_stalls_only_the_workload)
{
	size_t len = 4000000;
	char *data = make_data(len);
	char *got = malloc(len);
	struct watch watch;

	watch_start(&watch, WATCH_OUT | WATCH_COPY_OUT, NULL);
	watch_begin(&watch, NO_LIMIT);
	write_all_and_exit(watch.out_fd, data, len);
	int in_pipe = 0;
	int before = -1;
	while (in_pipe == 0 || in_pipe != before) { /* until the caller's pipe stays full */
		before = in_pipe;
		(void)watch_sleeps(&watch);
		cr_assert_eq(ioctl(watch.copy_out_fd, FIONREAD, &in_pipe), 0);
	}
	cr_expect_lt(in_pipe, (int)len);
	for (int i = 0; i < 3; i++) {
		char note[32];

		(void)snprintf(note, sizeof(note), "\"index\":%d,", i);
		watch_send(&watch, "mount.applied", note, "");
		(void)watch_await(&watch, note);
		cr_expect(watch_sleeps(&watch), "it runs while nothing can be done");
	}
	cr_expect_eq(watch_read(watch.copy_out_fd, got, len), len);
	cr_expect_eq(memcmp(got, data, len), 0);
	cr_expect_eq(reap_any(), 0);
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
	expect_count(last, "payload.output.stdout.bytes", (int64_t)len);
	watch_release(&watch);
	free(data);
	free(got);
}

/*
 * O_NONBLOCK belongs to the open file description, which the caller's shell shares: it stays off. A
 * socket cannot be opened anew, so it takes the other way, with the same result.
 */
Test(stage_monitor, the_callers_descriptors_stay_as_they_are)
{
	size_t len = 1000000;
	char *data = make_data(len);
	char *got = malloc(len);

	for (int kind = 0; kind < 2; kind++) {
		int ends[2];
		char number[12];
		struct watch watch;

		cr_assert_eq(kind == 0 ? pipe(ends) : socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		(void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
		(void)snprintf(number, sizeof(number), "%d", ends[1]);
		watch_start(&watch, WATCH_OUT | WATCH_ERR,
			    (const char *const[]){"--copy-stdout-fd", number, NULL});
		watch_begin(&watch, NO_LIMIT);
		write_all_and_exit(watch.out_fd, data, len);
		cr_expect_eq(watch_read(ends[0], got, len), len);
		cr_expect_eq(memcmp(got, data, len), 0);
		cr_expect_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
		cr_expect_eq(reap_any(), 0);
		watch_end(&watch);
		struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
		expect_count(last, "payload.output.stdout.bytes", (int64_t)len);
		(void)close(ends[0]);
		(void)close(ends[1]);
		watch_release(&watch);
	}
	free(data);
	free(got);
}

Test(stage_monitor, a_caller_that_is_gone_ends_the_stream_at_the_workload)
{
	size_t len = 4000000;
	char *data = make_data(len);
	struct watch watch;

	watch_start(&watch, WATCH_OUT | WATCH_ERR | WATCH_COPY_OUT | WATCH_CONTROL, NULL);
	watch_begin(&watch, NO_LIMIT);
	watch_close(&watch.copy_out_fd);
	write_all_and_exit(watch.out_fd, data, len);
	cr_expect_eq(reap_any(), 13, "the workload's write fails with EPIPE");
	(void)watch_await(&watch, "\"reason\":\"caller-closed\",\"stream\":\"stdout\"");
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
	expect_text(last, "payload.outcome.cause", "exit");
	expect_flag(last, "payload.output.stdout.truncated", true);
	expect_flag(last, "payload.output.stderr.truncated", false);
	char stop[8];
	cr_expect_eq(watch_read(watch.control_fd, stop, sizeof(stop)), 0, "nobody is stopped");
	watch_release(&watch);
	free(data);
}

Test(stage_monitor, a_log_that_cannot_be_written_stops_the_run)
{
	struct watch watch;
	char stop[32] = "";

	watch_start(&watch, WATCH_OUT | WATCH_ERR | WATCH_CONTROL | WATCH_BAD_LOG, NULL);
	watch_begin(&watch, NO_LIMIT);
	watch_write(watch.out_fd, "abc", 3);
	(void)watch_await(&watch, "\"reason\":\"file\",\"stream\":\"stdout\"");
	watch_write(watch.out_fd, "def", 3);
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
	(void)watch_read(watch.control_fd, stop, sizeof(stop) - 1);
	cr_expect_str_eq(stop, "{\"stop\":\"monitor\"}\n");
	expect_text(last, "payload.outcome.cause", "stage-lost");
	expect_count(last, "payload.outcome.exitCode", 125);
	expect_count(last, "payload.output.stdout.bytes", 6);
	expect_count(last, "payload.output.stdout.loggedBytes", 0);
	cr_expect_not_null(strstr(json_object_get_string(last), "SR-EVD-001"));
	watch_release(&watch);
}

Test(stage_monitor, input_reaches_the_workload_and_ends)
{
	size_t len = 1000000;
	char *data = make_data(len);
	char *got = malloc(len + 1);
	char want[DIGEST_TEXT_SIZE];
	struct watch watch;

	hash_of(data, len, want);
	watch_start(&watch, WATCH_IN | WATCH_COPY_IN, NULL);
	watch_begin(&watch, NO_LIMIT);
	write_all_and_exit(watch.copy_in_fd, data, len);
	cr_expect_eq(watch_read(watch.in_fd, got, len), len);
	cr_expect_eq(memcmp(got, data, len), 0);
	cr_expect_eq(reap_any(), 0);
	watch_close(&watch.copy_in_fd);
	cr_expect_eq(watch_read(watch.in_fd, got, 1), 0, "end of file");
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
	expect_count(last, "payload.output.stdin.bytes", (int64_t)len);
	expect_text(last, "payload.output.stdin.sha256", want);
	watch_release(&watch);
	free(data);
	free(got);
}

/* What the workload does not take stays with the caller, for whoever reads next. */
Test(stage_monitor, input_is_left_where_it_is_while_nobody_takes_it)
{
	struct watch watch;
	int waiting = 0;
	char *full = make_data(1 << 20);
	char number[12];
	int ends[2];

	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	ssize_t held = write(ends[1], full, 1 << 20);
	cr_assert_gt(held, 0);
	(void)snprintf(number, sizeof(number), "%d", ends[1]);
	watch_start(&watch, WATCH_COPY_IN, (const char *const[]){"--stdin-fd", number, NULL});
	(void)close(ends[1]);
	watch_begin(&watch, NO_LIMIT);
	(void)watch_await(&watch, "vm.started");
	watch_write(watch.copy_in_fd, "next", 4);
	cr_expect(watch_sleeps(&watch));
	cr_assert_eq(ioctl(watch.copy_in_fd, FIONREAD, &waiting), 0);
	cr_expect_eq(waiting, 4, "taken from the caller too early");
	cr_expect_eq(watch_read(ends[0], full, (size_t)held + 4), (size_t)held + 4);
	cr_expect_eq(memcmp(full + held, "next", 4), 0);
	(void)close(ends[0]); /* the workload closes its stdin: no spin, no more reading */
	watch_send(&watch, "mount.applied", "", "");
	(void)watch_await(&watch, "mount.applied");
	cr_expect(watch_sleeps(&watch));
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
	expect_count(last, "payload.output.stdin.bytes", 4);
	watch_release(&watch);
	free(full);
}

Test(stage_monitor, no_input_is_end_of_file)
{
	struct watch watch;
	char byte;

	watch_start(&watch, WATCH_IN, NULL);
	cr_expect_eq(watch_read(watch.in_fd, &byte, 1), 0);
	watch_begin(&watch, NO_LIMIT);
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
	expect_count(last, "payload.output.stdin.bytes", 0);
	watch_release(&watch);
}

Test(stage_monitor, a_terminal_is_one_stream_both_ways)
{
	struct watch watch;
	char text[32] = "";

	watch_start(&watch, WATCH_PTY | WATCH_COPY_OUT | WATCH_COPY_IN, NULL);
	watch_begin(&watch, NO_LIMIT);
	watch_write(watch.terminal_fd, "prompt> ", 8);
	cr_expect_eq(watch_read(watch.copy_out_fd, text, 8), 8);
	cr_expect_str_eq(text, "prompt> ");
	watch_write(watch.copy_in_fd, "line\n", 5);
	cr_expect_eq(watch_read(watch.terminal_fd, text, 5), 5);
	cr_expect_eq(memcmp(text, "line\n", 5), 0);
	watch_close(&watch.copy_in_fd);
	cr_expect_eq(read(watch.terminal_fd, text, 1), 0, "end of input, as ^D tells it");
	watch_close(&watch.terminal_fd);
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
	expect_flag(last, "payload.output.captured", true);
	expect_count(last, "payload.output.stdout.bytes", 8);
	cr_expect_null(member(last, "payload.output.stderr"));
	watch_release(&watch);
}

/* Somebody outside the run holds the pipe: what is in it counts, and nobody waits for more. */
Test(stage_monitor, an_end_left_open_holds_nobody_up)
{
	struct watch watch;

	watch_start(&watch, WATCH_OUT | WATCH_ERR, NULL);
	watch_begin(&watch, NO_LIMIT);
	watch_write(watch.out_fd, "abc", 3);
	int held = dup(watch.out_fd);
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
	(void)close(held);
	expect_count(last, "payload.output.stdout.bytes", 3);
	expect_flag(last, "payload.outcome.evidence.outputLeftOpen", true);
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
	struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
	cr_expect_eq(watch.status, 0);
	expect_text(last, "type", "run.cleaned");
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
		parse(watch_await(&watch, "\"sample\":\"periodic\""));
	expect_text(sample, "type", "resource.sampled");
	expect_text(sample, "stage", "monitor");
	expect_count(sample, "payload.pids.current", 0);
	cr_expect_not_null(member(sample, "payload.cpu.usageUs"));
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
	expect_text(last, "type", "run.cleaned");
	cr_expect_null(member(last, "payload.outcome.evidence.samplingFailed"));
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
	struct json_object *last OBJECT_CLEANUP = parse(watch_finish(&watch));
	expect_text(last, "payload.outcome.cause", "stage-lost");
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
