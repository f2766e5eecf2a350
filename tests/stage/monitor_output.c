/* SPDX-License-Identifier: Apache-2.0 */
/* sr-monitor and what the workload writes. */
#include "ipc/object.h"
#include "tests/stage/monitor_seen.h"
#include "tests/stage/monitor_watch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* RG6: all of a flood is hashed and handed on, in little memory. */
Test(stage_monitor, a_hundred_megabytes_arrive_whole)
{
	size_t len = 100000000;
	char *data = seen_data(len);
	char *got = malloc(len);
	char want[DIGEST_TEXT_SIZE];
	struct watch watch;

	seen_hash(data, len, want);
	watch_start(&watch, WATCH_OUT | WATCH_ERR | WATCH_COPY_OUT, NULL);
	watch_begin(&watch, NO_LIMIT);
	seen_write(watch.out_fd, data, len);
	cr_assert_eq(watch_read(watch.copy_out_fd, got, len), len);
	cr_expect_eq(memcmp(got, data, len), 0);
	cr_expect_eq(seen_reap(), 0);
	cr_expect(getenv("SAN") != NULL || watch_peak_kib(&watch) < 4096, "%ld KiB",
		  watch_peak_kib(&watch));
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
	seen_flag(last, "payload.output.captured", true);
	seen_count(last, "payload.output.stdout.bytes", (int64_t)len);
	seen_text(last, "payload.output.stdout.sha256", want);
	seen_flag(last, "payload.output.stdout.truncated", false);
	seen_count(last, "payload.output.stderr.bytes", 0);
	watch_release(&watch);
	free(data);
	free(got);
}

Test(stage_monitor, the_log_ends_exactly_at_the_limit)
{
	enum { LIMIT = 300000 };
	char *data = seen_data(LIMIT + 1);

	for (size_t len = LIMIT - 1; len <= LIMIT + 1; len++) {
		bool over = len > LIMIT;
		char want[DIGEST_TEXT_SIZE];
		struct watch watch;

		seen_hash(data, len, want);
		watch_start(&watch, ALL_OUTPUT | WATCH_COPY_OUT, NULL);
		watch_begin(&watch, LIMIT);
		watch_write(watch.out_fd, data, 1);
		(void)watch_await(&watch, "vm.started"); /* the limit is known */
		seen_write(watch.out_fd, data + 1, len - 1);
		char *got = malloc(len);
		size_t kept = over ? LIMIT : len;
		cr_expect_eq(watch_read(watch.copy_out_fd, got, kept), kept);
		cr_expect_eq(memcmp(got, data, kept), 0);
		free(got);
		cr_expect_eq(seen_reap(), 0);
		if (over)
			(void)watch_await(&watch,
					  "\"limitBytes\":300000,\"observedBy\":\"monitor\","
					  "\"reason\":\"limit\",\"stream\":\"stdout\"");
		watch_end(&watch);
		struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
		cr_expect_eq(seen_size(watch.out_log_fd), (off_t)kept);
		seen_count(last, "payload.output.stdout.loggedBytes", (int64_t)kept);
		seen_count(last, "payload.output.stdout.bytes", (int64_t)len);
		seen_text(last, "payload.output.stdout.sha256", want);
		seen_flag(last, "payload.output.stdout.truncated", over);
		seen_text(last, "payload.outcome.cause", over ? "output" : "exit");
		seen_count(last, "payload.outcome.exitCode", over ? 137 : 0);
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
	while (seen_size(watch.out_log_fd) < 8)
		;
	watch_write(watch.err_fd, "abc", 3);
	(void)watch_await(&watch, "\"stream\":\"stderr\"");
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
	seen_count(last, "payload.output.stdout.loggedBytes", 8);
	seen_flag(last, "payload.output.stdout.truncated", false);
	seen_count(last, "payload.output.stderr.loggedBytes", 2);
	seen_count(last, "payload.output.stderr.bytes", 3);
	watch_release(&watch);
}

/* RG6: a caller that does not read holds up the workload, and neither the records nor a CPU. */
Test(stage_monitor, a_reader_that_stalls_stalls_only_the_workload)
{
	size_t len = 4000000;
	char *data = seen_data(len);
	char *got = malloc(len);
	struct watch watch;

	watch_start(&watch, WATCH_OUT | WATCH_COPY_OUT, NULL);
	watch_begin(&watch, NO_LIMIT);
	seen_write(watch.out_fd, data, len);
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
	cr_expect_eq(seen_reap(), 0);
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
	seen_count(last, "payload.output.stdout.bytes", (int64_t)len);
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
	char *data = seen_data(len);
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
		seen_write(watch.out_fd, data, len);
		cr_expect_eq(watch_read(ends[0], got, len), len);
		cr_expect_eq(memcmp(got, data, len), 0);
		cr_expect_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
		cr_expect_eq(seen_reap(), 0);
		watch_end(&watch);
		struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
		seen_count(last, "payload.output.stdout.bytes", (int64_t)len);
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
	char *data = seen_data(len);
	struct watch watch;

	watch_start(&watch, WATCH_OUT | WATCH_ERR | WATCH_COPY_OUT | WATCH_CONTROL, NULL);
	watch_begin(&watch, NO_LIMIT);
	watch_close(&watch.copy_out_fd);
	seen_write(watch.out_fd, data, len);
	cr_expect_eq(seen_reap(), 13, "the workload's write fails with EPIPE");
	(void)watch_await(&watch, "\"reason\":\"caller-closed\",\"stream\":\"stdout\"");
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
	seen_text(last, "payload.outcome.cause", "exit");
	seen_flag(last, "payload.output.stdout.truncated", true);
	seen_flag(last, "payload.output.stderr.truncated", false);
	char stop[8];
	cr_expect_eq(watch_read(watch.control_fd, stop, sizeof(stop)), 0, "nobody is stopped");
	watch_release(&watch);
	free(data);
}

Test(stage_monitor, a_caller_that_cannot_take_it_is_told_why)
{
	struct watch watch;
	char number[12];
	int full_fd = open("/dev/full", O_WRONLY);

	cr_assert_geq(full_fd, 0);
	(void)snprintf(number, sizeof(number), "%d", full_fd);
	watch_start(&watch, WATCH_OUT | WATCH_ERR,
		    (const char *const[]){"--copy-stdout-fd", number, NULL});
	watch_begin(&watch, NO_LIMIT);
	seen_write(watch.out_fd, "hello\n", 6);
	(void)seen_reap();
	(void)watch_await(&watch, "\"reason\":\"caller-failed\",\"stream\":\"stdout\"");
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
	seen_flag(last, "payload.output.stdout.truncated", true);
	(void)close(full_fd);
	watch_release(&watch);
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
	struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
	(void)watch_read(watch.control_fd, stop, sizeof(stop) - 1);
	cr_expect_str_eq(stop, "{\"stop\":\"monitor\"}\n");
	seen_text(last, "payload.outcome.cause", "stage-lost");
	seen_count(last, "payload.outcome.exitCode", 125);
	seen_count(last, "payload.output.stdout.bytes", 6);
	seen_count(last, "payload.output.stdout.loggedBytes", 0);
	cr_expect_not_null(strstr(json_object_get_string(last), "SR-EVD-001"));
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
	struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
	(void)close(held);
	seen_count(last, "payload.output.stdout.bytes", 3);
	seen_flag(last, "payload.outcome.evidence.outputLeftOpen", true);
	watch_release(&watch);
}
