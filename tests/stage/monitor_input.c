/* SPDX-License-Identifier: Apache-2.0 */
/* sr-monitor and what the workload reads, from a pipe or a terminal. */
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
#include <unistd.h>

Test(stage_monitor, input_reaches_the_workload_and_ends)
{
	size_t len = 1000000;
	char *data = seen_data(len);
	char *got = malloc(len + 1);
	char want[DIGEST_TEXT_SIZE];
	struct watch watch;

	seen_hash(data, len, want);
	watch_start(&watch, WATCH_IN | WATCH_COPY_IN, NULL);
	watch_begin(&watch, NO_LIMIT);
	seen_write(watch.copy_in_fd, data, len);
	cr_expect_eq(watch_read(watch.in_fd, got, len), len);
	cr_expect_eq(memcmp(got, data, len), 0);
	cr_expect_eq(seen_reap(), 0);
	watch_close(&watch.copy_in_fd);
	cr_expect_eq(watch_read(watch.in_fd, got, 1), 0, "end of file");
	watch_end(&watch);
	struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
	seen_count(last, "payload.output.stdin.bytes", (int64_t)len);
	seen_text(last, "payload.output.stdin.sha256", want);
	watch_release(&watch);
	free(data);
	free(got);
}

/* What the workload does not take stays with the caller, for whoever reads next. */
Test(stage_monitor, input_is_left_where_it_is_while_nobody_takes_it)
{
	struct watch watch;
	int waiting = 0;
	char *full = seen_data(1 << 20);
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
	struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
	seen_count(last, "payload.output.stdin.bytes", 4);
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
	struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
	seen_count(last, "payload.output.stdin.bytes", 0);
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
	struct json_object *last OBJECT_CLEANUP = seen_parse(watch_finish(&watch));
	seen_flag(last, "payload.output.captured", true);
	seen_count(last, "payload.output.stdout.bytes", 8);
	cr_expect_null(seen_member(last, "payload.output.stderr"));
	watch_release(&watch);
}
