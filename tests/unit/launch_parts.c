/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's small parts, each by itself. */
#include "ipc/object.h"
#include "stages/launch/channel.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/identity.h"
#include "stages/launch/mountinfo.h"
#include "stages/launch/plan.h"
#include "stages/launch/probe.h"
#include "stages/launch/readback.h"
#include "stages/launch/script.h"
#include "stages/launch/text_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

Test(launch_script, reads_the_first_line_as_the_kernel_does)
{
	static const struct {
		const char *head;
		enum script_kind kind;
		const char *interpreter, *argument;
	} cases[] = {
		{"\177ELF", SCRIPT_NO, "", ""},
		{"#", SCRIPT_NO, "", ""},
		{"# !/bin/sh\n", SCRIPT_NO, "", ""},
		{"#!", SCRIPT_BAD, "", ""},
		{"#!\n/bin/sh\n", SCRIPT_BAD, "", ""},
		{"#! \t \n", SCRIPT_BAD, "", ""},
		{"#!/bin/sh", SCRIPT_YES, "/bin/sh", ""},
		{"#!/bin/sh\n", SCRIPT_YES, "/bin/sh", ""},
		{"#! \t/bin/sh \t\necho", SCRIPT_YES, "/bin/sh", ""},
		{"#!/bin/sh -e\n", SCRIPT_YES, "/bin/sh", "-e"},
		{"#!/usr/bin/env  -S a b  c \t\n", SCRIPT_YES, "/usr/bin/env", "-S a b  c"},
		{"#!sh\n", SCRIPT_YES, "sh", ""},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char interpreter[PLAN_PATH_MAX], argument[SCRIPT_ARGUMENT_SIZE];

		cr_expect_eq(
			script_parse(cases[i].head, strlen(cases[i].head), interpreter, argument),
			cases[i].kind, "%zu", i);
		cr_expect_str_eq(interpreter, cases[i].interpreter);
		cr_expect_str_eq(argument, cases[i].argument);
	}
}

Test(launch_script, refuses_a_path_that_may_be_cut)
{
	char head[SCRIPT_HEAD_SIZE], interpreter[PLAN_PATH_MAX], argument[SCRIPT_ARGUMENT_SIZE];

	memset(head, 'x', sizeof head);
	memcpy(head, "#!/", 3);
	cr_expect_eq(script_parse(head, sizeof head - 1, interpreter, argument), SCRIPT_YES);
	cr_expect_eq(script_parse(head, sizeof head, interpreter, argument), SCRIPT_BAD);
	head[sizeof head - 1] = '\n';
	cr_expect_eq(script_parse(head, sizeof head, interpreter, argument), SCRIPT_YES);
	/* An argument may be cut: the kernel allows that. */
	head[sizeof head - 1] = 'x';
	head[20] = ' ';
	cr_expect_eq(script_parse(head, sizeof head, interpreter, argument), SCRIPT_YES);
	cr_expect_eq(strlen(argument), sizeof head - 21);
}

Test(launch_script, stays_only_in_the_system)
{
	struct plan *plan = plan_new();

	plan->entries[0] = (struct plan_entry){.path = "/usr", .source = "/usr"};
	plan->entries[1] = (struct plan_entry){.path = "/bin", .link_target = "usr/bin"};
	plan->entry_count = 2;
	plan->mounts[0] = (struct plan_mount){.target = "/usr/local/mine"};
	plan->mount_count = 1;
	cr_expect(script_stays(plan, "/usr/bin/ldd"));
	cr_expect_not(script_stays(plan, "/usrx/bin/ldd"));
	cr_expect_not(script_stays(plan, "/bin/ldd"));
	cr_expect_not(script_stays(plan, "/usr/local/mine/x"));
	cr_expect_not(script_stays(plan, "/work/x"));
	plan_free(plan);
}

Test(launch_mountinfo, cuts_lines)
{
	char text[] = "1 0 0:40 / / ro,nosuid - tmpfs tmpfs rw,size=1024k\n"
		      "2 1 8:1 /a\\040b /x\\040y\\134 rw shared:1 master:2 - ext4 /dev/a rw\n"
		      "3 1 8:1 / /z rw\n";
	char *rest = text;
	struct mountinfo mount;

	cr_assert_eq(mountinfo_next(&rest, &mount), 1);
	cr_expect_str_eq(mount.point, "/");
	cr_expect_str_eq(mount.options, "ro,nosuid");
	cr_expect_str_eq(mount.type, "tmpfs");
	cr_expect_str_eq(mount.super, "rw,size=1024k");
	cr_assert_eq(mountinfo_next(&rest, &mount), 1);
	cr_expect_str_eq(mount.point, "/x y\\");
	cr_expect_str_eq(mount.type, "ext4");
	cr_expect_str_eq(mount.super, "rw");
	cr_expect_eq(mountinfo_next(&rest, &mount), -1);
	rest = text + sizeof text - 1;
	cr_expect_eq(mountinfo_next(&rest, &mount), 0);
}

Test(launch_mountinfo, finds_whole_options)
{
	cr_expect(mountinfo_has("ro,nosuid,nodev", "ro"));
	cr_expect(mountinfo_has("rw,nodev", "nodev"));
	cr_expect_not(mountinfo_has("rw,nodevice", "nodev"));
	cr_expect_not(mountinfo_has("errors=remount-ro", "ro"));
	cr_expect_not(mountinfo_has("", "ro"));
}

Test(launch_channel, passes_words_and_descriptors)
{
	int ours, theirs, fds[CHANNEL_FD_MAX], pair[2];

	cr_assert_eq(channel_pair(&ours, &theirs), 0);
	cr_assert_eq(pipe(pair), 0);
	cr_assert_eq(channel_tell(ours, CHANNEL_FORK, pair, 2), 0);
	cr_assert_eq(channel_wait(theirs, CHANNEL_FORK, fds), 0);
	cr_expect(fds[0] >= 0 && fds[1] >= 0 && fds[2] == -1);
	cr_expect_eq(write(fds[1], "x", 1), 1);
	cr_assert_eq(channel_tell(ours, CHANNEL_EXEC, NULL, 0), 0);
	cr_expect_eq(channel_wait(theirs, CHANNEL_BUILD, NULL), -1);
	cr_expect_eq(errno, EPROTO);
	cr_assert_eq(channel_tell_signal(ours, 15), 0);
	cr_expect_eq(channel_wait_signal(theirs), 15);
	(void)close(ours);
	cr_expect_eq(channel_wait(theirs, CHANNEL_BUILD, NULL), -1);
	cr_expect_eq(errno, EPIPE);
}

Test(launch_channel, names_the_sender)
{
	struct json_object *message = object_new(), *got;
	int ours, theirs;
	pid_t sender = 0;

	cr_assert_eq(channel_pair(&ours, &theirs), 0);
	object_add_string(message, "type", "x");
	cr_assert_eq(channel_report(theirs, message), 0);
	cr_assert_eq(channel_receive(ours, 1000, &got, &sender), 1);
	cr_expect_eq(sender, getpid());
	cr_expect(json_object_equal(message, got));
	json_object_put(got);
	cr_assert_eq(channel_report(theirs, message), 0);
	cr_assert_eq(channel_receive(ours, 1000, &got, NULL), 1);
	json_object_put(got);
	cr_expect_eq(channel_receive(ours, 0, &got, &sender), -1);
	cr_expect_eq(errno, ETIMEDOUT);
	cr_assert_eq(send(theirs, "{ }", 3, 0), 3);
	cr_expect_eq(channel_receive(ours, 1000, &got, &sender), -1);
	cr_expect_eq(errno, EBADMSG);
	(void)close(theirs);
	cr_expect_eq(channel_receive(ours, 1000, &got, &sender), 0);
	json_object_put(message);
}

/* A child that fails has often not read what it was told meanwhile. */
Test(launch_channel, keeps_the_last_message_of_one_that_ended)
{
	struct json_object *message = object_new(), *got;
	int ours, theirs;
	pid_t sender;

	cr_assert_eq(channel_pair(&ours, &theirs), 0);
	cr_assert_eq(channel_tell(ours, CHANNEL_FORK, NULL, 0), 0);
	cr_assert_eq(channel_report(theirs, message), 0);
	(void)close(theirs);
	cr_expect_eq(channel_receive(ours, 1000, &got, &sender), 1);
	json_object_put(got);
	cr_expect_eq(channel_receive(ours, 1000, &got, &sender), 0);
	json_object_put(message);
}

static int report_of(size_t len)
{
	struct json_object *message = object_new();
	char *text = malloc(len + 1);
	int ours, theirs, result;

	cr_assert_eq(channel_pair(&ours, &theirs), 0);
	memset(text, 'x', len);
	text[len] = '\0';
	object_add_string(message, "m", text); /* {"m":"..."}: 8 bytes more */
	result = channel_report(theirs, message);
	json_object_put(message);
	free(text);
	(void)close(ours);
	(void)close(theirs);
	return result;
}

Test(launch_channel, caps_messages)
{
	cr_expect_eq(report_of(CHANNEL_MESSAGE_MAX - 9), 0);
	cr_expect_eq(report_of(CHANNEL_MESSAGE_MAX - 8), 0);
	cr_expect_eq(report_of(CHANNEL_MESSAGE_MAX - 7), -1);
}

Test(launch_text_file, never_cuts)
{
	char out[8];
	int pair[2];
	const struct {
		const char *text;
		ssize_t len;
	} cases[] = {{"", 0}, {"123456", 6}, {"1234567", 7}, {"12345678", -1}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cr_assert_eq(pipe(pair), 0);
		cr_assert_eq(write(pair[1], cases[i].text, strlen(cases[i].text)),
			     (ssize_t)strlen(cases[i].text));
		(void)close(pair[1]);
		cr_expect_eq(text_file_read_fd(pair[0], out, sizeof out), cases[i].len);
		(void)close(pair[0]);
	}
	cr_expect_eq(text_file_read("/proc/no-such-file", out, sizeof out), -1);
	cr_expect_eq(text_file_write("/proc/no-such-file", "x"), -1);
}

Test(launch_descriptor, keeps_only_what_is_named)
{
	const int kept[] = {-1, 40, 20};

	cr_assert_eq(dup2(0, 20), 20);
	cr_assert_eq(dup2(0, 30), 30);
	cr_assert_eq(dup2(0, 40), 40);
	cr_assert_eq(dup2(0, 41), 41);
	cr_assert_eq(descriptor_keep(kept, 3), 0);
	cr_expect_geq(fcntl(20, F_GETFD), 0);
	cr_expect_geq(fcntl(40, F_GETFD), 0);
	cr_expect_eq(fcntl(30, F_GETFD), -1);
	cr_expect_eq(fcntl(41, F_GETFD), -1);
	_exit(0);
}

Test(launch_identity, is_the_runs_own)
{
	uid_t one = identity_for_run("sr-20260101-000000-00000001");
	uid_t two = identity_for_run("sr-20260101-000000-00000002");

	cr_expect_neq(one, two);
	cr_expect_eq(one & 0xFFF00000U, 0x6F000000U);
	cr_expect_eq(identity_for_run("sr-20260101-000000-00000001"), one);
}

/* One attempt that worked, or one nobody made, refuses the run. */
Test(launch_readback, refuses_a_probe_that_worked)
{
	static const struct {
		int value; /* of one probe, the others fail as they must; -1: it is missing */
		bool good;
	} cases[] = {{EPERM, true}, {ENOENT, true}, {0, false}, {-1, false}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (size_t odd = 0; odd < PROBE_COUNT; odd++) {
			struct json_object *ready = object_new();
			struct json_object *probes = object_new();
			struct json_object *enforcement = array_new();
			struct fault fault;

			for (size_t j = 0; j < PROBE_COUNT; j++)
				if (j != odd || cases[i].value >= 0)
					object_add_integer(probes, probe_name((enum probe_kind)j),
							   j == odd ? cases[i].value : EACCES);
			object_add(ready, "probes", probes);
			cr_expect_eq(readback_probes(ready, enforcement, &fault) == FAULT_NONE,
				     cases[i].good, "%zu %zu", i, odd);
			json_object_put(ready);
			json_object_put(enforcement);
		}
	}
}

/* This process is not confined at all: each thing alone must be found. */
Test(launch_readback, refuses_a_process_that_is_not_as_set)
{
	struct plan *plan = plan_new();
	struct readback_process process = {
		.plan = plan,
		.pid = getpid(),
		.outer_filter_count = 0,
		.outer_uid = geteuid() + 1,
		.outer_gid = getegid(),
	};
	struct json_object *enforcement = array_new();
	struct fault fault;

	cr_expect_neq(readback_process(&process, NULL, enforcement, &fault), FAULT_NONE);
	cr_expect_str_eq(fault.path, "launch.readback.identity");
	process.outer_uid = geteuid();
	cr_expect_neq(readback_process(&process, NULL, enforcement, &fault), FAULT_NONE);
	cr_expect_str_eq(fault.path, "launch.readback.noNewPrivs");
	cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	cr_expect_neq(readback_process(&process, NULL, enforcement, &fault), FAULT_NONE);
	cr_expect(strcmp(fault.path, "launch.readback.capabilities") == 0 ||
		  strcmp(fault.path, "launch.readback.seccomp") == 0);
	json_object_put(enforcement);
	plan_free(plan);
}
