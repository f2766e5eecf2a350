/* SPDX-License-Identifier: Apache-2.0 */
/* sr-guest's five streams: whose each is, what is passed on, and who waits for whom. */
#include "tests/stage/guest_scene.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(stage_guest_streams, .timeout = 120);

#define JOB "{\"type\":\"job\"}\n"

/* One connection each: whoever comes second finds nobody. */
Test(stage_guest_streams, each_stream_is_taken_once)
{
	struct scene *scene = malloc(sizeof *scene);

	scene_begin(scene, -1);
	scene_connect(scene);
	for (unsigned stream = 0; stream < SCENE_COUNT; stream++) {
		int tries = 0, fd;

		/* In the moment before it is taken, a second one may queue, to be thrown away. */
		while ((fd = scene_connect_one(scene, (enum scene_stream)stream)) >= 0 &&
		       tries++ < 10000)
			close(fd);
		cr_expect_eq(fd, -1);
	}
	scene_leave_all(scene);
	json_object_put(scene_final(scene));
	scene_end(scene, 0);
	free(scene);
}

static void read_exactly(int fd, char *out, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t got = read(fd, out + at, len - at);

		cr_assert_gt(got, 0);
		at += (size_t)got;
	}
	out[len] = '\0';
}

/* The job and signals to the guest; input to it, output from it, and what was announced is awaited. */
Test(stage_guest_streams, streams_are_passed_on)
{
	struct scene *scene = malloc(sizeof *scene);
	char seen[128];
	struct json_object *final;

	scene_begin(scene, -1);
	cr_assert_gt(dprintf(scene->launcher, JOB), 0);
	scene_connect(scene);
	read_exactly(scene->streams[SCENE_CONTROL], seen, strlen(JOB));
	cr_expect_str_eq(seen, JOB);
	scene_say_text(scene, SCENE_CONTROL, HELLO);
	json_object_put(scene_record(scene, "hello"));
	cr_assert_eq(write(scene->stdin_fd, "input", 5), 5);
	close(scene->stdin_fd);
	scene->stdin_fd = -1;
	scene_say_text(scene, SCENE_CONTROL, STARTED);
	json_object_put(scene_record(scene, "started"));
	cr_assert_gt(dprintf(scene->launcher, "{\"signal\":10}\n"), 0);
	read_exactly(scene->streams[SCENE_CONTROL], seen, 14);
	cr_expect_str_eq(seen, "{\"signal\":10}\n");
	read_exactly(scene->streams[SCENE_STDIN], seen, 5);
	cr_expect_str_eq(seen, "input");
	cr_expect_eq(read(scene->streams[SCENE_STDIN], seen, 1), 0);
	scene_say_text(scene, SCENE_STDERR, "err");
	scene_say_text(scene, SCENE_CONTROL, EXITED_WITH(EXIT_0, RUSAGE, "6") DONE);
	json_object_put(scene_record(scene, "exited"));
	scene_say_text(scene, SCENE_STDOUT, "output");
	final = scene_final(scene);
	read_exactly(scene->stdout_fd, seen, 6);
	cr_expect_str_eq(seen, "output");
	read_exactly(scene->stderr_fd, seen, 3);
	json_object_put(final);
	scene_end(scene, 0);
	free(scene);
}

/* A reader that does not read, a guest that does not either: each holds up its own stream alone. */
Test(stage_guest_streams, floods_wait_for_their_reader)
{
	struct scene *scene = malloc(sizeof *scene);
	struct json_object *final;
	static char block[65536];
	char path[64], *status;
	size_t sent = 0;
	ssize_t put;
	FILE *file;

	scene_begin(scene, -1);
	scene_connect(scene);
	scene_say_text(scene, SCENE_CONTROL, HELLO STARTED);
	json_object_put(scene_record(scene, "hello"));
	json_object_put(scene_record(scene, "started"));
	for (int fd = scene->streams[SCENE_STDOUT];;) {
		struct pollfd item = {.fd = fd, .events = POLLOUT};

		if (poll(&item, 1, 200) <= 0)
			break;
		put = send(fd, block, sizeof block, MSG_DONTWAIT | MSG_NOSIGNAL);
		cr_assert_gt(put, 0);
		sent += (size_t)put;
		cr_assert_lt(sent, 2 << 20, "sr-guest takes what nobody reads");
	}
	(void)fcntl(scene->stdin_fd, F_SETFL, O_NONBLOCK);
	while ((put = write(scene->stdin_fd, block, 4096)) > 0)
		;
	snprintf(path, sizeof path, "/proc/%d/status", scene->pid);
	file = fopen(path, "r");
	status = calloc(1, 8192);
	cr_assert_gt(fread(status, 1, 8191, file), 0);
	fclose(file);
	cr_expect_lt(atol(strstr(status, "VmHWM:") + 6), 12288, "%s", strstr(status, "VmHWM:"));
	free(status);
	/* The control stream goes on. A reader that leaves ends its stream. */
	close(scene->stdout_fd);
	scene->stdout_fd = dup(STDERR_FILENO);
	scene_say_text(scene, SCENE_CONTROL, EXITED_WITH(EXIT_0, RUSAGE, "9007199254740991") DONE);
	final = scene_final(scene);
	cr_expect_not_null(scene_member(final, "exit"));
	json_object_put(final);
	scene_end(scene, 0);
	free(scene);
}

/* It announces more than it sends: the launcher's time is what ends that. */
Test(stage_guest_streams, VM4_bytes_that_never_come)
{
	struct scene *scene = malloc(sizeof *scene);
	struct pollfd item;
	struct json_object *final;

	scene_begin(scene, -1);
	scene_connect(scene);
	scene_say_text(scene, SCENE_STDOUT, "x");
	scene_say_text(scene, SCENE_CONTROL,
		       HELLO STARTED EXITED_WITH(EXIT_0, RUSAGE, "9007199254740991") DONE);
	json_object_put(scene_record(scene, "hello"));
	json_object_put(scene_record(scene, "started"));
	json_object_put(scene_record(scene, "exited"));
	item = (struct pollfd){.fd = scene->records, .events = POLLIN};
	cr_expect_eq(poll(&item, 1, 100), 0);
	close(scene->launcher);
	scene->launcher = -1;
	final = scene_final(scene);
	cr_expect_not_null(scene_member(final, "exit"));
	json_object_put(final);
	scene_end(scene, 0);
	free(scene);
}
