/* SPDX-License-Identifier: Apache-2.0 */
/* sr-launch while the workload runs: signals, records, terminals, deaths. */
#include "tests/stage/launch_bundle.h"
#include "tests/stage/launch_run.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORDS(...)                                                                                 \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

/* Says so once its traps are set, and stays. */
#define STAYS "echo ready; while :; do sleep 1000 & wait $!; done"

TestSuite(stage_launch_live, .init = launch_need_sandbox, .timeout = 120);

/* No deadline that could end it in place of what is tested. */
static struct json_object *endless(const char *const argv[])
{
	struct json_object *policy = launch_policy(argv);

	launch_set(policy, "runtime.timeoutSec", "10000");
	return policy;
}

static void start(struct launch_live *live, const char *script, const char *const options[])
{
	launch_live_start(live, options);
	launch_live_give(live, endless(WORDS("/bin/sh", "-c", script)));
	cr_assert(launch_live_await(live, "vm.started"));
	launch_live_await_output(live, "ready");
}

static void expect_end(struct launch_live *live, const char *signal, const char *stop)
{
	struct launch_events events;
	int status = launch_live_end(live, &events);

	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", status);
	cr_expect_str_eq(launch_text(&events, "vm.exited", "signal"), signal);
	cr_expect_str_eq(launch_text(&events, "vm.exited", "stopReason"), stop);
	cr_expect_not_null(launch_event(&events, "run.cleaned"));
	launch_events_release(&events);
}

Test(stage_launch_live, forwards_signals)
{
	static const struct {
		int number;
		const char *name;
	} cases[] = {
		{SIGINT, "SIGINT"}, {SIGTERM, "SIGTERM"}, {SIGHUP, "SIGHUP"}, {SIGQUIT, "SIGQUIT"}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct launch_live live = {.before = NULL};

		/* No shell, whose own ways with SIGINT depend on the moment. */
		launch_live_start(&live, NULL);
		launch_live_give(&live, endless(WORDS("/bin/sleep", "1000")));
		cr_assert(launch_live_await(&live, "vm.started"));
		cr_assert_eq(kill(live.pid, cases[i].number), 0);
		expect_end(&live, cases[i].name, "interrupted");
	}
}

Test(stage_launch_live, forwards_what_the_control_records_say)
{
	struct launch_live live = {.before = NULL};
	struct launch_events events;

	start(&live, "trap 'echo caught; exit 5' USR1; " STAYS, NULL);
	/* What is no record, or no signal, is nothing. */
	cr_assert_gt(dprintf(live.control,
			     "{\"signal\":0}\n{\"signal\":65}\n{\"stop\":\"x\"}\n"
			     "{\"signal\":%d}\n",
			     SIGUSR1),
		     0);
	launch_live_await_output(&live, "caught");
	(void)launch_live_end(&live, &events);
	cr_expect_str_eq(launch_text(&events, "vm.exited", "exitCode"), "5");
	cr_expect_str_eq(launch_text(&events, "vm.exited", "forwarded"), "[ \"SIGUSR1\" ]");
	cr_expect_str_eq(launch_text(&events, "vm.exited", "stopReason"), "");
	launch_events_release(&events);
}

/* Its own streams have high numbers here and no close-on-exec; control and events are ours. */
Test(stage_launch_live, leaves_no_other_descriptor_open)
{
	struct launch_live live = {.before = NULL};

	start(&live,
	      "for fd in /proc/self/fd/*; do [ ${fd##*/} -gt 2 ] && [ -e $fd ] && echo open $fd; "
	      "done; echo ready; exit 6",
	      NULL);
	struct launch_events events;

	(void)launch_live_end(&live, &events);
	cr_expect_null(strstr(live.seen, "open"), "%s", live.seen);
	cr_expect_str_eq(launch_text(&events, "vm.exited", "exitCode"), "6");
	launch_events_release(&events);
}

Test(stage_launch_live, stops_for_output)
{
	struct launch_live live = {.before = NULL};

	start(&live, "trap '' TERM; " STAYS, NULL);
	cr_assert_gt(dprintf(live.control, "{\"stop\":\"output\"}\n"), 0);
	expect_end(&live, "SIGKILL", "output");
}

/*
 * Prepared, and held by --go-fd 9: the end our side writes into. The command would end at once, with 7.
 */
static int hold(struct launch_live *live)
{
	int ends[2], high;

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	high = fcntl(ends[1], F_DUPFD_CLOEXEC, 100);
	(void)close(ends[1]);
	if (ends[0] != 9)
		cr_assert_eq(dup2(ends[0], 9), 9);
	cr_assert_eq(fcntl(9, F_SETFD, 0), 0);
	launch_live_start(live, WORDS("--go-fd", "9"));
	(void)close(9);
	if (ends[0] != 9)
		(void)close(ends[0]);
	launch_live_give(live, endless(WORDS("/bin/sh", "-c", "echo went; exit 7")));
	cr_assert(launch_live_await(live, "run.prepared"));
	return high;
}

static void expect_called_off(struct launch_live *live)
{
	struct launch_events events;
	int status = launch_live_end(live, &events);

	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%x", status);
	cr_expect_null(launch_event(&events, "vm.started"));
	cr_expect_str_eq(launch_text(&events, "run.failed", "errors[0].path"), "launch.go");
	launch_events_release(&events);
}

Test(stage_launch_live, holds_the_command_back_until_told)
{
	struct launch_live live = {.before = NULL};
	struct launch_events events;
	int go = hold(&live);
	struct pollfd said = {.fd = live.out, .events = POLLIN};

	cr_expect_eq(poll(&said, 1, 300), 0, "it went on by itself");
	cr_assert_eq(write(go, "g", 1), 1);
	cr_expect(launch_live_await(&live, "vm.started"));
	launch_live_await_output(&live, "went");
	(void)launch_live_end(&live, &events);
	cr_expect_str_eq(launch_text(&events, "vm.exited", "exitCode"), "7");
	launch_events_release(&events);
	(void)close(go);
}

Test(stage_launch_live, is_called_off_before_the_command_starts)
{
	struct launch_live live = {.before = NULL};

	(void)close(hold(&live));
	expect_called_off(&live);
}

Test(stage_launch_live, is_ended_by_a_signal_before_the_command_starts)
{
	struct launch_live live = {.before = NULL};
	int go = hold(&live);

	cr_assert_eq(kill(live.pid, SIGTERM), 0);
	expect_called_off(&live);
	(void)close(go);
}

/* The writers of the control descriptor may go: the run stays. */
Test(stage_launch_live, outlives_its_control)
{
	struct launch_live live = {.before = NULL};

	start(&live, STAYS, NULL);
	(void)close(live.control);
	live.control = -1;
	cr_assert_eq(kill(live.pid, SIGTERM), 0);
	expect_end(&live, "SIGTERM", "interrupted");
}

/* No witness, no execution. */
Test(stage_launch_live, ends_with_its_reader)
{
	struct launch_live live = {.before = NULL};
	int status;

	start(&live, "trap '' TERM HUP; " STAYS, NULL);
	(void)close(live.out);
	live.out = -1;
	status = launch_live_end(&live, NULL);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 3, "%x", status);
}

Test(stage_launch_live, a_signal_before_the_bundle_ends_the_run)
{
	struct launch_events events;
	struct launch_live live = {.before = NULL};
	int status;

	launch_live_start(&live, NULL);
	/* Taken while it waits, or still to come: both end it, with or without a stream. */
	cr_assert_eq(kill(live.pid, SIGTERM), 0);
	status = launch_live_end(&live, &events);
	if (WIFEXITED(status)) {
		cr_expect_eq(WEXITSTATUS(status), 1);
		launch_expect_types(&events, "compile run.failed");
	} else {
		cr_expect_eq(WTERMSIG(status), SIGTERM);
	}
	launch_events_release(&events);
}

Test(stage_launch_live, nothing_survives_it)
{
	struct launch_live live = {.before = NULL};

	start(&live,
	      "trap '' TERM HUP INT; (setsid sh -c 'trap \"\" HUP; sleep 1000' &); (sleep 1000 "
	      "&); " STAYS,
	      WORDS("--run-id", "unit-launch-killed"));
	cr_assert_eq(kill(live.pid, SIGKILL), 0);
	/* All that could survive holds the output; launch_live_end waits for its end of file. */
	cr_expect_eq(launch_live_end(&live, NULL), SIGKILL);
	launch_remove_cgroups("unit-launch-killed");
}

/* At every moment of the set-up: 0.1 ms later each time, until it is past the start. */
Test(stage_launch_live, nothing_survives_it_at_any_moment)
{
	size_t killed = 0;

	for (long delay_us = 0; delay_us < 20000; delay_us += 100) {
		const struct timespec delay = {.tv_nsec = delay_us * 1000};
		struct launch_live live = {.before = NULL};

		launch_live_start(&live, WORDS("--run-id", "unit-launch-moment"));
		launch_live_give(&live, endless(WORDS("/bin/sleep", "1000")));
		(void)nanosleep(&delay, NULL);
		cr_assert_eq(kill(live.pid, SIGKILL), 0);
		killed += launch_live_end(&live, NULL) == SIGKILL;
		launch_remove_cgroups("unit-launch-moment");
	}
	cr_expect_eq(killed, 200);
}

/* A terminal of its own: it is the controlling one, and Ctrl-C comes through it. */
Test(stage_launch_live, gives_a_terminal)
{
	struct json_object *policy = launch_policy(
		WORDS("/bin/sh", "-c",
		      "trap 'exit 9' INT; [ -t 0 ] && [ -t 2 ] && echo own > /dev/tty; "
		      "while :; do sleep 1000 & wait $!; done"));
	struct json_object *bundle = launch_bundle(policy);
	char number[16], seen[256] = "";
	const char *argv[] = {child_path("sr-launch"), "--tty", "--pty-fd", number, NULL};
	int main_fd, pty_fd, in[2], out[2], status;
	size_t len, seen_len = 0;
	char *line = launch_line(bundle, &len);
	pid_t pid;

	cr_assert_eq(openpty(&main_fd, &pty_fd, NULL, NULL, NULL), 0);
	cr_assert(pipe(in) == 0 && pipe(out) == 0);
	(void)snprintf(number, sizeof number, "%d", pty_fd);
	pid = fork();
	if (pid == 0) {
		(void)dup2(in[0], 0);
		(void)dup2(out[1], 1);
		(void)close(in[1]);
		(void)close(out[0]);
		(void)close(main_fd);
		execv(argv[0], (char *const *)argv);
		_exit(99);
	}
	(void)close(pty_fd);
	(void)close(in[0]);
	(void)close(out[1]);
	cr_assert_eq(write(in[1], line, len), (ssize_t)len);
	(void)close(in[1]);
	while (strstr(seen, "own") == NULL) {
		ssize_t got = read(main_fd, seen + seen_len, sizeof seen - 1 - seen_len);

		cr_assert_gt(got, 0, "%s", seen);
		seen_len += (size_t)got;
		seen[seen_len] = '\0';
	}
	cr_assert_eq(write(main_fd, "\x03", 1), 1);
	struct launch_live live = {.pid = pid, .in = -1, .out = out[0], .control = -1};
	struct launch_events events;

	live.output = open("/dev/null", O_RDONLY | O_CLOEXEC);
	status = launch_live_end(&live, &events);
	cr_expect_eq(status, 0);
	cr_expect_str_eq(launch_text(&events, "vm.exited", "exitCode"), "9");
	cr_expect_str_eq(launch_text(&events, "vm.exited", "forwarded"), "[ ]");
	launch_events_release(&events);
	(void)close(main_fd);
	json_object_put(bundle);
	json_object_put(policy);
	free(line);
}

static void expect_input(const char *mode, const char *output)
{
	struct json_object *policy = launch_policy(WORDS("/bin/cat"));
	char number[16];
	int pair[2];
	const struct child_options child = {.keep_fds = {0}};
	struct child_options options = child;
	struct launch_run run;

	launch_set(policy, "runtime.stdin", mode);
	cr_assert_eq(pipe(pair), 0);
	cr_assert_eq(write(pair[1], "words", 5), 5);
	(void)close(pair[1]);
	options.keep_fds[0] = pair[0];
	(void)snprintf(number, sizeof number, "%d", pair[0]);
	launch_run_policy(&run, policy, WORDS("--stdin-fd", number), &options);
	cr_expect_str_eq(run.result.err, output);
	cr_expect_str_eq(launch_text(&run.events, "vm.exited", "exitCode"), "0");
	launch_run_release(&run);
	(void)close(pair[0]);
}

Test(stage_launch_live, gives_input_when_asked_to)
{
	expect_input("\"inherit\"", "words");
	expect_input("\"none\"", "");
}

static int wrong_device(const char *argument)
{
	(void)argument;
	return mount("/dev/zero", "/dev/full", NULL, MS_BIND, NULL);
}

static struct json_object *look_at_full(void)
{
	return endless(WORDS("/bin/sh", "-c", "echo x >/dev/full && exit 9; exit 0"));
}

/*
 * What stands at /dev/full of a strange host is looked at, not only named; root does not need it,
 * and makes the right one.
 */
Test(stage_launch_live, takes_only_the_right_devices)
{
	struct launch_live live = {.before = wrong_device};
	struct launch_events events;
	int status;

	launch_live_start(&live, NULL);
	launch_live_give(&live, look_at_full());
	status = launch_live_end(&live, &events);
	if (geteuid() == 0) {
		cr_expect_str_eq(launch_text(&events, "vm.exited", "exitCode"), "0");
	} else {
		cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%x", status);
		cr_expect_str_eq(launch_text(&events, "run.failed", "step"), "launch.root.device");
	}
	launch_events_release(&events);
}

static int mount_below(const char *path)
{
	return mount("none", path, "tmpfs", 0, "mode=0777");
}

/* A source with everything that can be shown of a directory something is mounted below. */
static char *make_below(char *below, size_t size)
{
	char *dir = child_make_dir("launch"), path[4300];

	cr_assert_eq(chmod(dir, 0755), 0);
	(void)snprintf(below, size, "%s/below", dir);
	cr_assert_eq(mkdir(below, 0755), 0);
	(void)snprintf(path, sizeof path, "%s/other", dir);
	cr_assert_eq(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof path, "%s/other/deep", dir);
	child_write_file(path, "deep\n", 5);
	cr_assert_eq(chmod(path, 0644), 0);
	(void)snprintf(path, sizeof path, "%s/file", dir);
	child_write_file(path, "file\n", 5);
	cr_assert_eq(chmod(path, 0640), 0);
	(void)snprintf(path, sizeof path, "%s/link", dir);
	cr_assert_eq(symlink("other/deep", path), 0);
	return dir;
}

static void mount_in(struct json_object *policy, const char *dir)
{
	char mounts[4300];

	(void)snprintf(
		mounts, sizeof mounts,
		"[{\"noexec\":false,\"read_only\":true,\"source\":\"%s\",\"target\":\"/opt/in\"}]",
		dir);
	launch_set(policy, "mounts", mounts);
}

/*
 * A tree mounted below a read-only source is there, and as read-only as the source; what lies beside
 * it is as it was. In a user namespace the two cannot be taken apart, and the source is shown by
 * entries.
 */
Test(stage_launch_live, closes_what_is_mounted_below)
{
	char below[4200], *dir = make_below(below, sizeof below);
	struct launch_live live = {.before = mount_below, .argument = below};
	struct launch_events events;
	struct json_object *policy = endless(
		WORDS("/bin/sh", "-c",
		      "cd /opt/in; for i in x below/x other/x file; do echo >>$i && echo "
		      "writable; done 2>/dev/null; grep -c /opt/in /proc/self/mountinfo; "
		      "stat -c '%n %A' * other/*; cat link; findmnt=$(grep -c ' /opt/in/below "
		      "ro' /proc/self/mountinfo); echo $findmnt; echo ready"));
	char expected[400];

	mount_in(policy, dir);
	launch_live_start(&live, NULL);
	launch_live_give(&live, policy);
	launch_live_await_output(&live, "ready");
	(void)snprintf(expected, sizeof expected,
		       "%d\nbelow drwxrwxrwx\nfile -rw-r-----\nlink lrwxrwxrwx\nother drwxr-xr-x\n"
		       "other/deep -rw-r--r--\ndeep\n1\nready\n",
		       geteuid() == 0 ? 2 : 3);
	cr_expect_str_eq(live.seen, expected);
	(void)launch_live_end(&live, &events);
	cr_expect_str_eq(launch_text(&events, "vm.exited", "exitCode"), "0");
	launch_events_release(&events);
	child_remove_dir(dir);
	free(dir);
}

/* What would take a copy of more than 1 MiB is refused, and where the kernel can show it, shown. */
Test(stage_launch_live, copies_no_large_file_beside_a_mount)
{
	char below[4200], path[4300], *dir = make_below(below, sizeof below);
	struct launch_live live = {.before = mount_below, .argument = below};
	struct launch_events events;
	struct json_object *policy =
		endless(WORDS("/bin/sh", "-c", "stat -c %s /opt/in/file; echo ready"));

	(void)snprintf(path, sizeof path, "%s/file", dir);
	cr_assert_eq(chmod(path, 0644), 0);
	cr_assert_eq(truncate(path, (1 << 20) + 1), 0);
	mount_in(policy, dir);
	launch_live_start(&live, NULL);
	launch_live_give(&live, policy);
	if (geteuid() == 0) {
		launch_live_await_output(&live, "ready");
		cr_expect_str_eq(live.seen, "1048577\nready\n");
	}
	(void)launch_live_end(&live, &events);
	if (geteuid() == 0)
		cr_expect_str_eq(launch_text(&events, "vm.exited", "exitCode"), "0");
	else
		cr_expect_str_eq(launch_text(&events, "run.failed", "step"), "launch.mount[0]");
	launch_events_release(&events);
	child_remove_dir(dir);
	free(dir);
}
